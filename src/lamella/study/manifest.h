// SPDX-License-Identifier: Apache-2.0
// The version of a cohort's data, written of a study and compared with what is there now.
#pragma once

#include <string>
#include <vector>

#include "lamella/record/compare_runs.h"
#include "lamella/record/manifest.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

// Paths are relative to `folder`.
record::Manifest make_manifest(const Study& study, bool full_hash, const std::string& folder);

struct ManifestCheck {
  std::string digest, digest_now;
  std::vector<record::Difference> differences;  // what was written against what is there now
};
// Hashes everything that the manifest names again, and reads its table of slides for new ones.
ManifestCheck verify_manifest(const std::string& path);

}  // namespace lamella::study
