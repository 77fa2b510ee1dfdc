// SPDX-License-Identifier: Apache-2.0
// The version of a cohort's data: every file that a study reads, with its hashes, and one digest
// over them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "lamella/record/run_document.h"

namespace lamella::record {

// One input file: kind, path, bytes, fingerprint (size and three samples, see io::fingerprint),
// and sha256 of the whole file for all but slides, for these too if `full_hash`.
// Error kNotFound, kIo.
Input input_file(const std::string& kind, const std::string& path, bool full_hash);
// The same; where the file cannot be read, why.
Input input_or_error(const std::string& kind, const std::string& path, bool full_hash);

// SHA-256 over the data of the slides with this role ("train", "test", "score"; "" for all):
// their ids, patients, contents, annotations, and the lists of centres. Neither paths nor the
// order in the table count. `inputs`: as in a run's record or a manifest.
std::string cohort_digest(const Inputs& inputs, const std::string& role);

// By role, of those that have slides.
std::map<std::string, std::string> cohort_digests(const Inputs& inputs);

struct Manifest {
  std::string name;
  std::string digest;                          // of the whole cohort
  std::map<std::string, std::string> digests;  // by role
  bool full_hash = false;
  Inputs inputs;  // a file that cannot be read has an "error"; paths as in the file
};

nlohmann::json to_json(const Manifest& manifest);
// Error kNotFound, kCorrupt: no manifest, or one whose digest is not that of its entries.
Manifest read_manifest(const std::string& path);

}  // namespace lamella::record
