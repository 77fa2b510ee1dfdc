// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

RectPx region_on_slide(const slide::SlideInfo& info, const GridOptions& options, PatchPlan& plan) {
  const SizePx size = info.size_px();
  const RectPx whole{0, 0, size.width, size.height};
  if (!options.region_px) return whole;
  const RectPx& region = *options.region_px;
  const bool begins_on_slide =
      region.x >= 0 && region.y >= 0 && region.x < size.width && region.y < size.height;
  if (region.empty() || !begins_on_slide) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("found region {},{},{},{} (x, y, width, height in level-0 px), expected "
                    "one that begins on the slide of {} x {} px",
                    region.x, region.y, region.width, region.height, size.width, size.height),
        info.path);
  }
  // Not by intersect(): x + width of a hostile region may overflow.
  const RectPx cut{region.x, region.y, std::min(region.width, size.width - region.x),
                   std::min(region.height, size.height - region.y)};
  if (cut != region) {
    plan.warnings.push_back(
        fmt::format("the region reaches outside the slide and ends at its edge: {},{},{},{}", cut.x,
                    cut.y, cut.width, cut.height));
  }
  return cut;
}

}  // namespace

PatchPlan plan_grid(const slide::SlideInfo& info, const std::string& slide_id,
                    const PatchSpec& spec, const tissue::TissueMask& mask,
                    const GridOptions& options) {
  options.validate();
  PatchPlan plan = start_plan(info, slide_id, spec);
  const PatchGeometry& geometry = plan.geometry;
  const RectPx region = region_on_slide(info, options, plan);
  const double stride = options.stride_px.value_or(spec.size_px) / spec.size_px;
  plan.stride_px = stride * geometry.extent_x_px;

  const std::vector<int64_t> xs =
      grid_positions(region.x, region.right(), *plan.stride_px, geometry.extent_x_px);
  const std::vector<int64_t> ys = grid_positions(
      region.y, region.bottom(), stride * geometry.extent_y_px, geometry.extent_y_px);
  check_position_count(xs.size(), ys.size());
  for (const int64_t y : ys) {
    for (const int64_t x : xs) {
      const PatchRow row = make_row(geometry, mask, x, y);
      if (row.tissue_fraction >= static_cast<float>(options.min_tissue)) plan.rows.push_back(row);
    }
  }
  warn_if_empty(plan, mask,
                fmt::format("none of {} positions holds {} % tissue", xs.size() * ys.size(),
                            100 * options.min_tissue));
  return plan;
}

}  // namespace lamella::patch
