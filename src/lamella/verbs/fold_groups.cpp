// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/fold_groups.h"

#include <algorithm>
#include <map>

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

}  // namespace

std::vector<int32_t> fold_groups(std::span<const GroupedSlide> slides) {
  std::map<std::string, int32_t> patients;
  for (const GroupedSlide& slide : slides) {
    patients.emplace(to_lower(slide.patient_id), static_cast<int32_t>(patients.size()));
  }
  std::vector<int32_t> groups;
  for (const GroupedSlide& slide : slides) {
    if (patients.size() >= kMinPatientsForFolds) {
      groups.insert(groups.end(), slide.rows.size(), patients.at(to_lower(slide.patient_id)));
    } else {
      const std::vector<int32_t> blocks = spatial_blocks(slide.rows);
      groups.insert(groups.end(), blocks.begin(), blocks.end());
    }
  }
  return groups;
}

}  // namespace lamella::verbs
