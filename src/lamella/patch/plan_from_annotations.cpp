// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/annotation/coverage.h"
#include "lamella/annotation/groups.h"
#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/base/text.h"
#include "lamella/patch/label_patches.h"
#include "lamella/patch/outline_check.h"
#include "lamella/patch/plan_common_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The groups of a file, sorted by what the rule says of them.
struct Groups {
  std::vector<Names> of_class;
  Names all;
};

Groups sort_groups(const annotation::AnnotationSet& set, const AnnotationRule& rule,
                   Names& warnings) {
  std::vector<annotation::WantedGroups> wanted;
  for (size_t k = 0; k < rule.rules.size(); ++k) {
    wanted.push_back({fmt::format("class '{}'", rule.classes.names[k]), rule.rules[k].annotations});
  }
  const Names found = annotation::check_groups(set, wanted);
  warnings.insert(warnings.end(), found.begin(), found.end());
  Groups groups;
  groups.all = annotation::all_groups(set);
  groups.of_class.resize(rule.rules.size());
  for (const std::string& group : groups.all) {
    const auto owner =
        std::find_if(rule.rules.begin(), rule.rules.end(), [&](const ClassRule& one) {
          return std::any_of(
              one.annotations.begin(), one.annotations.end(),
              [&](const std::string& name) { return annotation::names_group(name, group); });
        });
    if (owner != rule.rules.end()) {
      groups.of_class[static_cast<size_t>(owner - rule.rules.begin())].push_back(group);
    }
  }
  return groups;
}

// The polygons of the classes that win over class k.
Names groups_over(const AnnotationRule& rule, const Groups& groups, size_t k) {
  Names over;
  for (size_t j = 0; j < rule.rules.size(); ++j) {
    if (!contains(rule.rules[j].wins_over, rule.classes.names[k])) continue;
    over.insert(over.end(), groups.of_class[j].begin(), groups.of_class[j].end());
  }
  return over;
}

// Says what a candidate is.
class Labeller {
 public:
  Labeller(const annotation::AnnotationSet& set, const Groups& groups, const AnnotationRule& rule)
      : every_(set, groups.all, {}), rule_(rule) {
    for (size_t k = 0; k < rule.rules.size(); ++k) {
      areas_.emplace_back(set, groups.of_class[k], groups_over(rule, groups, k));
      has_area_.push_back(areas_.back().area() > 0);
      std::vector<size_t>& losers = losers_.emplace_back();
      for (const std::string& loser : rule.rules[k].wins_over) {
        losers.push_back(static_cast<size_t>(rule.classes.index_of(loser)));
      }
      if (rule.rules[k].rest_of_tissue) rest_ = static_cast<int8_t>(k);
    }
    covered_.resize(areas_.size());
  }

  int8_t label(const RectF& rect, float tissue_fraction) {
    for (size_t k = 0; k < areas_.size(); ++k) {
      covered_[k] = has_area_[k] ? areas_[k].fraction(rect) : 0;
    }
    int8_t found = kNoLabel;
    for (size_t k = 0; k < areas_.size(); ++k) {
      if (covered_[k] < rule_.min_coverage || touches_a_loser(k)) continue;
      if (found != kNoLabel) {
        ++claimed_twice_;
        return kNoLabel;
      }
      found = static_cast<int8_t>(k);
    }
    if (found != kNoLabel) return found;
    const bool is_rest = rest_ != kNoLabel &&
                         tissue_fraction >= static_cast<float>(rule_.min_tissue) &&
                         every_.fraction(rect) == 0;
    return is_rest ? rest_ : kNoLabel;
  }

  bool has_area(size_t k) const { return has_area_[k]; }
  int64_t claimed_twice() const { return claimed_twice_; }

 private:
  bool touches_a_loser(size_t k) const {
    return std::any_of(losers_[k].begin(), losers_[k].end(),
                       [&](size_t loser) { return covered_[loser] > 0; });
  }

  std::vector<annotation::Coverage> areas_;  // of each class, less its winners'
  std::vector<bool> has_area_;
  std::vector<std::vector<size_t>> losers_;
  annotation::Coverage every_;
  const AnnotationRule& rule_;
  int8_t rest_ = kNoLabel;
  std::vector<double> covered_;  // of the candidate at hand
  int64_t claimed_twice_ = 0;
};

std::vector<PatchRow> sample(std::vector<PatchRow> rows, size_t count, uint64_t seed) {
  if (rows.size() <= count) return rows;
  Random random(seed);
  random.shuffle(std::span<PatchRow>(rows));
  rows.resize(count);
  return rows;
}

// How many rows each class gives: small classes all of theirs, the others equal shares of what is
// left, of which the last ones take what cannot be divided.
std::vector<size_t> shares(const std::vector<std::vector<PatchRow>>& rows, size_t most) {
  std::vector<size_t> counts(rows.size(), 0);
  std::vector<bool> done(rows.size(), false);
  size_t left = most, open = rows.size();
  for (bool found = true; found && open > 0;) {
    found = false;
    const size_t share = left / open;
    for (size_t k = 0; k < rows.size(); ++k) {
      if (done[k] || rows[k].size() > share) continue;
      counts[k] = rows[k].size();
      left -= counts[k];
      done[k] = found = true;
      --open;
    }
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    if (done[k]) continue;
    counts[k] = left / open--;
    left -= counts[k];
  }
  return counts;
}

// The first two numbers only have to stay, so that plans keep their rows.
uint64_t class_seed(uint64_t seed, size_t k) {
  constexpr std::array<uint64_t, 2> kFirst = {0x61053f0e3ebbd272, 0x1cdf0ba993e3c231};
  return derive_seed(seed, k < kFirst.size() ? kFirst[k] : uint64_t{k});
}

void take_balanced(std::vector<std::vector<PatchRow>> rows, const AnnotationRule& rule,
                   PatchPlan& plan) {
  const std::vector<size_t> counts = shares(rows, static_cast<size_t>(rule.max_per_slide));
  const uint64_t seed = derive_seed(rule.seed, plan.slide_id);
  for (size_t k = 0; k < rows.size(); ++k) {
    const auto taken = sample(std::move(rows[k]), counts[k], class_seed(seed, k));
    plan.rows.insert(plan.rows.end(), taken.begin(), taken.end());
  }
  std::sort(plan.rows.begin(), plan.rows.end(), [](const PatchRow& a, const PatchRow& b) {
    return a.y_px != b.y_px ? a.y_px < b.y_px : a.x_px < b.x_px;
  });
}

// Positions of the patches that lie wholly on the slide, along one axis.
std::vector<int64_t> positions_on(int64_t size, double extent) {
  std::vector<int64_t> positions = grid_positions(0, size, extent, extent);
  const double end = static_cast<double>(positions.back()) + extent;
  if (end > static_cast<double>(size) + kPositionRounding) positions.pop_back();
  return positions;
}

void warn_if_unlabelled(PatchPlan& plan) {
  const bool none = std::all_of(plan.rows.begin(), plan.rows.end(),
                                [](const PatchRow& row) { return row.label == kNoLabel; });
  if (none) plan.warnings.push_back("no patch got a label");
}

}  // namespace

PatchPlan plan_from_annotations(const slide::SlideInfo& info, const std::string& slide_id,
                                const PatchSpec& spec, const tissue::TissueMask& mask,
                                const annotation::AnnotationSet& annotations,
                                const AnnotationRule& rule) {
  rule.validate();
  PatchPlan plan = start_plan(info, slide_id, spec);
  plan.classes = rule.classes;
  plan.warnings = annotations.notes;
  const Groups groups = sort_groups(annotations, rule, plan.warnings);
  const Names places = check_outlines(annotations, info, mask);
  plan.warnings.insert(plan.warnings.end(), places.begin(), places.end());
  Labeller labeller(annotations, groups, rule);
  const PatchGeometry& geometry = plan.geometry;
  const std::vector<int64_t> xs = positions_on(info.size_px().width, geometry.extent_x_px);
  const std::vector<int64_t> ys = positions_on(info.size_px().height, geometry.extent_y_px);
  check_position_count(xs.size(), ys.size());

  std::vector<std::vector<PatchRow>> rows(rule.rules.size());
  for (const int64_t y : ys) {
    for (const int64_t x : xs) {
      PatchRow row = make_row(geometry, mask, x, y);
      row.label = labeller.label(patch_rect(geometry, x, y), row.tissue_fraction);
      if (row.label != kNoLabel) rows[static_cast<size_t>(row.label)].push_back(row);
    }
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    if (!rows[k].empty() || !labeller.has_area(k)) continue;
    plan.warnings.push_back(fmt::format("no patch is covered by polygons of class '{}' to {} %",
                                        rule.classes.names[k], 100 * rule.min_coverage));
  }
  if (labeller.claimed_twice() > 0) {
    plan.warnings.push_back(
        fmt::format("{} patches are covered by polygons of two classes and left out; wins_over "
                    "tells which one they are of",
                    labeller.claimed_twice()));
  }
  take_balanced(std::move(rows), rule, plan);
  warn_if_off_tissue(plan);
  warn_if_empty(plan, mask,
                fmt::format("none of {} positions meets the rule", xs.size() * ys.size()));
  return plan;
}

void label_by_annotations(const slide::SlideInfo& info,
                          const annotation::AnnotationSet& annotations, const AnnotationRule& rule,
                          PatchPlan& plan) {
  rule.validate();
  plan.classes = rule.classes;
  plan.warnings.insert(plan.warnings.end(), annotations.notes.begin(), annotations.notes.end());
  const Groups groups = sort_groups(annotations, rule, plan.warnings);
  const Names places = annotation::check_bounds(annotations, frame_of(info));
  plan.warnings.insert(plan.warnings.end(), places.begin(), places.end());
  Labeller labeller(annotations, groups, rule);
  for (PatchRow& row : plan.rows) {
    row.label = labeller.label(patch_rect(plan.geometry, row.x_px, row.y_px), row.tissue_fraction);
  }
  warn_if_unlabelled(plan);
}

void label_by_centres(const CentreLists& lists, PatchPlan& plan) {
  lists.classes.validate();
  plan.classes = lists.classes;
  int64_t twice = 0;
  for (PatchRow& row : plan.rows) {
    const RectF rect = patch_rect(plan.geometry, row.x_px, row.y_px);
    int8_t found = kNoLabel;
    bool clash = false;
    for (const LabelledCentres& list : lists.lists) {
      const bool inside = std::any_of(
          list.centres.begin(), list.centres.end(), [&](const annotation::Centre& centre) {
            return centre.x_px >= rect.x && centre.x_px < rect.x + rect.width &&
                   centre.y_px >= rect.y && centre.y_px < rect.y + rect.height;
          });
      if (!inside) continue;
      clash = clash || (found != kNoLabel && found != list.label);
      found = list.label;
    }
    row.label = clash ? kNoLabel : found;
    twice += clash;
  }
  if (twice > 0) {
    plan.warnings.push_back(
        fmt::format("{} patches hold centres of two classes and get no label", twice));
  }
  warn_if_unlabelled(plan);
}

}  // namespace lamella::patch
