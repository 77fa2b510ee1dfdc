// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <map>

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

// A patch in two lists has two labels, or counts twice.
void check_twice(const CentreLists& lists, const std::string& slide_id, PatchPlan& plan) {
  struct Seen {
    const LabelledCentres* list;
    annotation::Centre centre;
  };
  std::map<std::pair<int64_t, int64_t>, Seen> seen;
  int64_t twice = 0;
  for (const LabelledCentres& list : lists.lists) {
    for (const annotation::Centre& centre : annotation::centres_of(list.centres, slide_id)) {
      const std::pair place(first_px(centre.x_px, plan.geometry.extent_x_px),
                            first_px(centre.y_px, plan.geometry.extent_y_px));
      const auto [at, fresh] = seen.emplace(place, Seen{&list, centre});
      if (fresh) continue;
      const auto& [first, other] = at->second;
      if (first->label != list.label) {
        throw Error(ErrorCode::kMismatch,
                    fmt::format("line {}: the centre ({}, {}) of slide '{}' is labelled '{}' here "
                                "and '{}' in {}, line {}; expected one label for each patch",
                                centre.line, format_double(centre.x_px), format_double(centre.y_px),
                                slide_id, lists.classes.name(list.label),
                                lists.classes.name(first->label), first->path, other.line),
                    list.path);
      }
      twice += other.x_px == centre.x_px && other.y_px == centre.y_px;
    }
  }
  if (twice > 0) {
    plan.warnings.push_back(
        fmt::format("{} centres stand in the lists before, and count twice", twice));
  }
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
  }
  check_twice(lists, slide_id, plan);
  for (const LabelledCentres& list : lists.lists) {
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
