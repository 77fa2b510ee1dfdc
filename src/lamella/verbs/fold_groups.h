// SPDX-License-Identifier: Apache-2.0
// Which rows may part in cross-validation.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lamella/patch/patch_plan.h"

namespace lamella::verbs {

struct GroupedSlide {
  std::string patient_id;
  std::span<const patch::PatchRow> rows;
};

inline constexpr int kSpatialBlocks = 5;
inline constexpr int kMinPatientsForFolds = 3;

// A group for every row of every slide, in order. With at least three patients: one group a
// patient. With fewer: five contiguous blocks of about equal row counts along the longer side of
// each slide's rows; block b of every slide is group b; rows at one position stay together.
std::vector<int32_t> fold_groups(std::span<const GroupedSlide> slides);

}  // namespace lamella::verbs
