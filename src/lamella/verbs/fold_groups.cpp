// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/fold_groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "lamella/base/text.h"

namespace lamella::verbs {

namespace {

std::vector<int32_t> spatial_blocks(std::span<const patch::PatchRow> rows) {
  std::vector<int32_t> blocks(rows.size());
  if (rows.empty()) return blocks;
  const auto by_x = [](const auto& a, const auto& b) { return a.x_px < b.x_px; };
  const auto by_y = [](const auto& a, const auto& b) { return a.y_px < b.y_px; };
  const auto [left, right] = std::minmax_element(rows.begin(), rows.end(), by_x);
  const auto [top, bottom] = std::minmax_element(rows.begin(), rows.end(), by_y);
  const bool wide = right->x_px - left->x_px >= bottom->y_px - top->y_px;
  const auto along = [&](const patch::PatchRow& row) { return wide ? row.x_px : row.y_px; };

  std::vector<int64_t> sorted;
  for (const patch::PatchRow& row : rows) sorted.push_back(along(row));
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < rows.size(); ++i) {
    // The rank of the first row at this position decides, so that ties do not part.
    const auto first = std::lower_bound(sorted.begin(), sorted.end(), along(rows[i]));
    const auto rank = static_cast<size_t>(first - sorted.begin());
    blocks[i] = static_cast<int32_t>(rank * kSpatialBlocks / rows.size());
  }
  return blocks;
}

// Rows of one slide that share pixels with rows of another block. `first`: of its rows in all.
void add_guards(const GroupedSlide& slide, const std::vector<int32_t>& blocks, int64_t first,
                std::vector<classifier::RowGuard>& guards) {
  if (!(slide.field_px > 0)) return;
  const auto cell = [&](int64_t px) {
    return static_cast<int64_t>(std::floor(static_cast<double>(px) / slide.field_px));
  };
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> places;
  for (size_t i = 0; i < slide.rows.size(); ++i) {
    places[{cell(slide.rows[i].x_px), cell(slide.rows[i].y_px)}].push_back(i);
  }
  const auto near = [&](int64_t a, int64_t b) {
    return std::abs(static_cast<double>(a - b)) < slide.field_px;
  };
  for (size_t i = 0; i < slide.rows.size(); ++i) {
    const patch::PatchRow& row = slide.rows[i];
    std::set<int32_t> others;
    for (int64_t v = cell(row.y_px) - 1; v <= cell(row.y_px) + 1; ++v) {
      for (int64_t u = cell(row.x_px) - 1; u <= cell(row.x_px) + 1; ++u) {
        const auto found = places.find({u, v});
        if (found == places.end()) continue;
        for (const size_t j : found->second) {
          if (blocks[j] == blocks[i]) continue;
          if (near(row.x_px, slide.rows[j].x_px) && near(row.y_px, slide.rows[j].y_px)) {
            others.insert(blocks[j]);
          }
        }
      }
    }
    for (const int32_t group : others) guards.push_back({first + static_cast<int64_t>(i), group});
  }
}

}  // namespace

FoldGroups spatial_groups(std::span<const GroupedSlide> slides) {
  FoldGroups made;
  for (const GroupedSlide& slide : slides) {
    const std::vector<int32_t> blocks = spatial_blocks(slide.rows);
    add_guards(slide, blocks, static_cast<int64_t>(made.groups.size()), made.guards);
    made.groups.insert(made.groups.end(), blocks.begin(), blocks.end());
  }
  return made;
}

FoldGroups fold_groups(std::span<const GroupedSlide> slides) {
  std::map<std::string, int32_t> patients;
  for (const GroupedSlide& slide : slides) {
    patients.emplace(to_lower(slide.patient_id), static_cast<int32_t>(patients.size()));
  }
  if (patients.size() < kMinPatientsForFolds) return spatial_groups(slides);
  FoldGroups made;
  for (const GroupedSlide& slide : slides) {
    made.groups.insert(made.groups.end(), slide.rows.size(),
                       patients.at(to_lower(slide.patient_id)));
  }
  return made;
}

std::map<std::string, int> stratified_folds(std::span<const std::string> group_of,
                                            std::span<const int8_t> labels, int classes,
                                            int folds) {
  using Counts = std::vector<double>;
  const auto n = static_cast<size_t>(classes);
  std::map<std::string, Counts> groups;
  Counts all(n, 0);
  for (size_t i = 0; i < labels.size(); ++i) {
    Counts& counts = groups.emplace(group_of[i], Counts(n, 0)).first->second;
    ++counts[static_cast<size_t>(labels[i])];
    ++all[static_cast<size_t>(labels[i])];
  }
  // A group's share of the class of which it has most, the greatest first.
  const auto weight = [&](const Counts& counts) {
    double most = 0;
    for (size_t k = 0; k < n; ++k) most = std::max(most, all[k] > 0 ? counts[k] / all[k] : 0);
    return most;
  };
  std::vector<std::pair<std::string, Counts>> order(groups.begin(), groups.end());
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return weight(a.second) > weight(b.second);
  });
  std::vector<Counts> load(static_cast<size_t>(folds), Counts(n, 0));
  std::map<std::string, int> fold_of;
  for (const auto& [name, counts] : order) {
    size_t best = 0;
    double least = 1e300;
    for (size_t fold = 0; fold < load.size(); ++fold) {
      double added = 0;  // to the sum of squared shares
      for (size_t k = 0; k < n; ++k) {
        if (all[k] == 0) continue;
        const double before = load[fold][k] / all[k], more = counts[k] / all[k];
        added += more * (2 * before + more);
      }
      if (added < least - 1e-15) {
        least = added;
        best = fold;
      }
    }
    for (size_t k = 0; k < n; ++k) load[best][k] += counts[k];
    fold_of[name] = static_cast<int>(best);
  }
  return fold_of;
}

}  // namespace lamella::verbs
