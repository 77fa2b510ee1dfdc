// SPDX-License-Identifier: Apache-2.0
// What the three planners share.
#pragma once

#include <string>
#include <vector>

#include "lamella/patch/patch_plan.h"
#include "lamella/tissue/tissue.h"

namespace lamella::patch {

// Half a pixel: positions are rounded to whole level-0 px.
inline constexpr double kPositionRounding = 0.5;

// A plan without rows. Error kInvalidArgument if the slide is smaller than one patch.
PatchPlan start_plan(const slide::SlideInfo& info, const std::string& slide_id,
                     const PatchSpec& spec);

// The row of the patch at (x_px, y_px), with its tissue and inside fractions.
PatchRow make_row(const PatchGeometry& geometry, const tissue::TissueMask& mask, int64_t x_px,
                  int64_t y_px);

// Grid positions from `begin`, `step` apart (level-0 px, real-valued, rounded), until a patch of
// `extent` reaches `end`. Error kLimit beyond 50 million.
std::vector<int64_t> grid_positions(int64_t begin, int64_t end, double step, double extent);

// Adds a warning that counts the rows that reach outside the slide.
void warn_if_overhanging(PatchPlan& plan);

// Adds "no patches: <why>; tissue is ... of the slide" if there are no rows.
void warn_if_empty(PatchPlan& plan, const tissue::TissueMask& mask, const std::string& why);

// Adds a warning that counts, for each class, the rows of which the tissue mask holds less than
// half of what lies on the slide, if these are a tenth or more of any: the mask may lose one kind
// of tissue more than another.
void warn_if_off_tissue(PatchPlan& plan);

// Error kLimit if columns * rows exceeds 50 million.
void check_position_count(size_t columns, size_t rows);

}  // namespace lamella::patch
