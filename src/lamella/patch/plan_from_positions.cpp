// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

PatchPlan plan_from_positions(const slide::SlideInfo& info, const std::string& slide_id,
                              const PatchSpec& spec, const tissue::TissueMask& mask,
                              const std::vector<Position>& positions) {
  PatchPlan plan = start_plan(info, slide_id, spec);
  const SizePx size = info.size_px();
  for (const Position& position : positions) {
    const PatchRow row = make_row(plan.geometry, mask, position.x_px, position.y_px);
    if (!(row.inside_fraction > 0)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("position {}: found a patch at ({}, {}), expected one that lies at "
                      "least partly on the slide, which is {} x {} px at level 0",
                      plan.rows.size(), position.x_px, position.y_px, size.width, size.height),
          info.path);
    }
    plan.rows.push_back(row);
  }
  warn_if_overhanging(plan);
  return plan;
}

}  // namespace lamella::patch
