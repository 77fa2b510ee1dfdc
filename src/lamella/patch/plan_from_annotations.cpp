// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/annotation/coverage.h"
#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/base/text.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

constexpr int8_t kTumour = 1;
constexpr int8_t kNormal = 0;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void require_fraction(const char* name, double value) {
  if (!(value >= 0 && value <= 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} = {}, expected a fraction from 0 to 1", name, value));
  }
}

// The groups of a file, sorted by what the rule says of them.
struct Groups {
  std::vector<std::string> positive;
  std::vector<std::string> negative;
  std::vector<std::string> all;
};

Groups sort_groups(const annotation::AnnotationSet& set, const AnnotationRule& rule,
                   std::vector<std::string>& warnings) {
  Groups groups;
  std::vector<std::string> unnamed;
  groups.all = set.groups;
  for (const annotation::Polygon& polygon : set.polygons) {
    if (!contains(groups.all, polygon.group)) groups.all.push_back(polygon.group);
  }
  for (const std::string& group : groups.all) {
    if (contains(rule.positive, group)) {
      groups.positive.push_back(group);
    } else if (contains(rule.negative, group)) {
      groups.negative.push_back(group);
    } else {
      unnamed.push_back(group.empty() ? "(ungrouped)" : group);
    }
  }
  const auto require = [&](const char* what, const std::vector<std::string>& wanted,
                           const std::vector<std::string>& found) {
    if (wanted.empty() || !found.empty() || unnamed.empty()) return;
    throw Error(ErrorCode::kNotFound,
                fmt::format("found no annotation group '{}' ({}){}, expected one of the file's: {}",
                            join(wanted, "' or '"), what, did_you_mean(wanted.front(), unnamed),
                            join(groups.all, ", ")),
                set.path);
  };
  require("positive", rule.positive, groups.positive);
  require("negative", rule.negative, groups.negative);
  if (!unnamed.empty()) {
    warnings.push_back(
        fmt::format("annotation groups named neither positive nor negative are left "
                    "out: {}",
                    join(unnamed, ", ")));
  }
  return groups;
}

// Says what a candidate is.
class Labeller {
 public:
  Labeller(const annotation::AnnotationSet& set, const Groups& groups, const AnnotationRule& rule)
      : positive_(set, groups.positive, groups.negative),
        negative_(set, groups.negative, {}),
        every_(set, groups.all, {}),
        rule_(rule) {}

  int8_t label(const RectF& rect, float tissue_fraction) const {
    const double positive = positive_.fraction(rect);
    if (positive > 0) return positive >= rule_.min_coverage ? kTumour : kNoLabel;
    if (negative_.area() > 0 && negative_.fraction(rect) >= rule_.min_coverage) return kNormal;
    if (rule_.negative_from_tissue && tissue_fraction >= static_cast<float>(rule_.min_tissue) &&
        every_.fraction(rect) == 0) {
      return kNormal;
    }
    return kNoLabel;
  }

  bool has_positive_area() const { return positive_.area() > 0; }

 private:
  annotation::Coverage positive_;
  annotation::Coverage negative_;
  annotation::Coverage every_;
  const AnnotationRule& rule_;
};

std::vector<PatchRow> sample(std::vector<PatchRow> rows, size_t count, uint64_t seed) {
  if (rows.size() <= count) return rows;
  Random random(seed);
  random.shuffle(std::span<PatchRow>(rows));
  rows.resize(count);
  return rows;
}

void take_balanced(std::vector<PatchRow> tumour, std::vector<PatchRow> normal,
                   const AnnotationRule& rule, PatchPlan& plan) {
  const size_t most = static_cast<size_t>(rule.max_per_slide);
  const size_t tumour_count = std::min(tumour.size(), most - std::min(normal.size(), most / 2));
  const size_t normal_count = std::min(normal.size(), most - tumour_count);
  const uint64_t seed = derive_seed(rule.seed, plan.slide_id);
  plan.rows = sample(std::move(tumour), tumour_count, derive_seed(seed, "tumour"));
  const auto normals = sample(std::move(normal), normal_count, derive_seed(seed, "normal"));
  plan.rows.insert(plan.rows.end(), normals.begin(), normals.end());
  std::sort(plan.rows.begin(), plan.rows.end(), [](const PatchRow& a, const PatchRow& b) {
    return a.y_px != b.y_px ? a.y_px < b.y_px : a.x_px < b.x_px;
  });
}

}  // namespace

void AnnotationRule::validate() const {
  require_fraction("min_coverage", min_coverage);
  require_fraction("min_tissue", min_tissue);
  if (min_coverage <= 0) {
    throw Error(ErrorCode::kInvalidArgument, "found min_coverage = 0, expected more than 0");
  }
  if (max_per_slide < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found max_per_slide = {}, expected at least 1", max_per_slide));
  }
  if (positive.empty() && negative.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "found no positive and no negative groups, expected at least one group");
  }
  for (const std::string& group : positive) {
    if (contains(negative, group)) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("found group '{}' both positive and negative, expected one of them", group));
    }
  }
}

PatchPlan plan_from_annotations(const slide::SlideInfo& info, const std::string& slide_id,
                                const PatchSpec& spec, const tissue::TissueMask& mask,
                                const annotation::AnnotationSet& annotations,
                                const AnnotationRule& rule) {
  rule.validate();
  PatchPlan plan = start_plan(info, slide_id, spec);
  plan.warnings = annotations.notes;
  const Groups groups = sort_groups(annotations, rule, plan.warnings);
  const Labeller labeller(annotations, groups, rule);
  const PatchGeometry& geometry = plan.geometry;
  const SizePx size = info.size_px();
  std::vector<int64_t> xs =
      grid_positions(0, size.width, geometry.extent_x_px, geometry.extent_x_px);
  std::vector<int64_t> ys =
      grid_positions(0, size.height, geometry.extent_y_px, geometry.extent_y_px);
  check_position_count(xs.size(), ys.size());
  const auto overhangs = [](int64_t position, double extent, int64_t end) {
    return static_cast<double>(position) + extent > static_cast<double>(end) + kPositionRounding;
  };
  if (overhangs(xs.back(), geometry.extent_x_px, size.width)) xs.pop_back();
  if (overhangs(ys.back(), geometry.extent_y_px, size.height)) ys.pop_back();

  std::vector<PatchRow> tumour, normal;
  for (const int64_t y : ys) {
    for (const int64_t x : xs) {
      PatchRow row = make_row(geometry, mask, x, y);
      row.label = labeller.label(patch_rect(geometry, x, y), row.tissue_fraction);
      if (row.label != kNoLabel) (row.label == kTumour ? tumour : normal).push_back(row);
    }
  }
  if (tumour.empty() && labeller.has_positive_area()) {
    plan.warnings.push_back(
        fmt::format("no patch is covered by positive polygons to {} %", 100 * rule.min_coverage));
  }
  take_balanced(std::move(tumour), std::move(normal), rule, plan);
  warn_if_off_tissue(plan);
  warn_if_empty(plan, mask,
                fmt::format("none of {} positions meets the rule", xs.size() * ys.size()));
  return plan;
}

}  // namespace lamella::patch
