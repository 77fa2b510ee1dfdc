// SPDX-License-Identifier: Apache-2.0
// The version of a cohort's data: every file that a study reads, with its hashes, and one digest
// over them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/record/compare_runs.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

// One input file: kind, path, bytes, fingerprint (size and three samples, see io::fingerprint),
// and sha256 of the whole file for all but slides, for these too if `full_hash`.
// Error kNotFound, kIo.
record::Input input_file(const std::string& kind, const std::string& path, bool full_hash);

// SHA-256 over the data of the slides with this role ("train", "test", "score"; "" for all):
// their ids, patients, contents, annotations, and the lists of centres. Neither paths nor the
// order in the table count. `inputs`: as in a run's record or a manifest.
std::string cohort_digest(const record::Inputs& inputs, const std::string& role);

struct Manifest {
  std::string name;
  std::string digest;                          // of the whole cohort
  std::map<std::string, std::string> digests;  // by role
  bool full_hash = false;
  record::Inputs inputs;  // a file that cannot be read has an "error"; paths as in the file
};

// Paths are relative to `folder`.
Manifest make_manifest(const Study& study, bool full_hash, const std::string& folder);
nlohmann::json to_json(const Manifest& manifest);
// Error kNotFound, kCorrupt: no manifest, or one whose digest is not that of its entries.
Manifest read_manifest(const std::string& path);

struct ManifestCheck {
  std::string digest, digest_now;
  std::vector<record::Difference> differences;  // what was written against what is there now
};
// Hashes everything that the manifest names again, and reads its table of slides for new ones.
ManifestCheck verify_manifest(const std::string& path);

}  // namespace lamella::study
