// SPDX-License-Identifier: Apache-2.0
// The verb extract: a plan's patches as files.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/patch/patch_plan.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/patch_files.h"

namespace lamella::verbs {

struct ExtractFilesOptions {
  storage::PatchFilesOptions files;
  slide::DamageOptions damage;
  void validate() const;
  static const OptionTable<ExtractFilesOptions>& table();
};

struct Extracted {
  int64_t patches = 0;                         // written
  std::vector<slide::RegionFailure> failures;  // left out: region is the plan's row
  int64_t tiles_decoded = 0;
  double seconds = 0;
};

// Writes the patches in an order in which few stored tiles are alive at once. What is left out is
// named and counted in one warning. Errors: kMismatch if the plan is another slide's; those of
// patch::PatchExtractor and storage::PatchFiles.
Extracted extract_files(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                        const ExtractFilesOptions& options, const Context& context);

}  // namespace lamella::verbs
