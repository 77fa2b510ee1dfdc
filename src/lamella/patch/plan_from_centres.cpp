// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

void require_inside(const annotation::Centre& centre, const std::string& path,
                    const slide::SlideInfo& info) {
  const SizePx size = info.size_px();
  if (centre.x_px >= 0 && centre.y_px >= 0 && centre.x_px < static_cast<double>(size.width) &&
      centre.y_px < static_cast<double>(size.height)) {
    return;
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("line {}: found a centre at ({}, {}), expected one inside slide '{}' "
                          "({}), which is {} x {} px at level 0",
                          centre.line, format_double(centre.x_px), format_double(centre.y_px),
                          centre.slide_id, info.path, size.width, size.height),
              path);
}

int64_t first_px(double centre, double extent) {
  return std::llround(std::floor(centre) - std::floor(extent / 2));
}

}  // namespace

PatchPlan plan_from_centres(const slide::SlideInfo& info, const std::string& slide_id,
                            const PatchSpec& spec, const tissue::TissueMask& mask,
                            const CentreLists& lists) {
  lists.classes.validate();
  PatchPlan plan = start_plan(info, slide_id, spec);
  plan.classes = lists.classes;
  const PatchGeometry& geometry = plan.geometry;
  for (const LabelledCentres& list : lists.lists) {
    if (!lists.classes.has(list.label)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found the label {}, expected 0 to {} ({})", list.label,
                              lists.classes.count() - 1, lists.classes.text()),
                  list.path);
    }
    for (const annotation::Centre& centre : annotation::centres_of(list.centres, slide_id)) {
      require_inside(centre, list.path, info);
      PatchRow row = make_row(geometry, mask, first_px(centre.x_px, geometry.extent_x_px),
                              first_px(centre.y_px, geometry.extent_y_px));
      row.label = list.label;
      plan.rows.push_back(row);
    }
  }
  warn_if_overhanging(plan);
  warn_if_off_tissue(plan);
  warn_if_empty(plan, mask, fmt::format("the lists hold no centre of slide '{}'", slide_id));
  return plan;
}

}  // namespace lamella::patch
