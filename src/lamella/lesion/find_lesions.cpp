// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/lesion/lesion_map.h"

namespace lamella::lesion {

namespace {

struct Grid {
  RectPx window;
  std::vector<uint8_t> values;
  size_t at(int64_t x, int64_t y) const {
    return static_cast<size_t>((y - window.y) * window.width + x - window.x);
  }
};

// Cells whose distance to a tumour cell is below `radius`: what a Euclidean distance map says.
Grid grow(const TumourMask& mask, double radius) {
  const auto reach = static_cast<int64_t>(std::ceil(radius));
  RectPx window{mask.window.x - reach, mask.window.y - reach, mask.window.width + 2 * reach,
                mask.window.height + 2 * reach};
  if (mask.slide.width > 0) window = intersect(window, {0, 0, mask.slide.width, mask.slide.height});
  Grid grown{window, std::vector<uint8_t>(static_cast<size_t>(window.width * window.height), 0)};
  std::vector<int64_t> half(static_cast<size_t>(reach) + 1, -1);  // by rows away; -1: none
  for (int64_t dy = 0; dy <= reach; ++dy) {
    while (static_cast<double>(dy * dy + (half[static_cast<size_t>(dy)] + 1) *
                                             (half[static_cast<size_t>(dy)] + 1)) <
           radius * radius) {
      ++half[static_cast<size_t>(dy)];
    }
  }
  const auto paint = [&](int64_t y, int64_t first, int64_t last) {
    for (int64_t dy = -reach; dy <= reach; ++dy) {
      const int64_t wide = half[static_cast<size_t>(std::abs(dy))], row = y + dy;
      if (wide < 0 || row < window.y || row >= window.bottom()) continue;
      const int64_t from = std::max(first - wide, window.x);
      const int64_t to = std::min(last + wide, window.right() - 1);
      for (int64_t x = from; x <= to; ++x) grown.values[grown.at(x, row)] = 1;
    }
  };
  for (int64_t y = 0; y < mask.window.height; ++y) {
    const uint8_t* row = mask.values.data() + y * mask.window.width;
    for (int64_t x = 0; x < mask.window.width;) {
      if (!row[x]) {
        ++x;
        continue;
      }
      const int64_t first = x;
      while (x < mask.window.width && row[x]) ++x;
      paint(mask.window.y + y, mask.window.x + first, mask.window.x + x - 1);
    }
  }
  return grown;
}

// Background that no path over sides, from outside, comes to becomes foreground.
void fill_holes(Grid& grid) {
  const int64_t width = grid.window.width, height = grid.window.height;
  constexpr uint8_t kOutside = 2;
  std::vector<int64_t> next;
  const auto visit = [&](int64_t x, int64_t y) {
    uint8_t& value = grid.values[static_cast<size_t>(y * width + x)];
    if (value != 0) return;
    value = kOutside;
    next.push_back(y * width + x);
  };
  for (int64_t x = 0; x < width; ++x) visit(x, 0), visit(x, height - 1);
  for (int64_t y = 0; y < height; ++y) visit(0, y), visit(width - 1, y);
  while (!next.empty()) {
    const int64_t cell = next.back(), x = cell % width, y = cell / width;
    next.pop_back();
    if (x > 0) visit(x - 1, y);
    if (x + 1 < width) visit(x + 1, y);
    if (y > 0) visit(x, y - 1);
    if (y + 1 < height) visit(x, y + 1);
  }
  for (uint8_t& value : grid.values) value = value != kOutside;
}

// Sums over a lesion's cells.
struct Moments {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;

  // Axis of the ellipse with the same second moments, cells.
  double major_axis() const {
    const double mx = x / n, my = y / n;
    const double a = xx / n - mx * mx, b = xy / n - mx * my, c = yy / n - my * my;
    const double most = (a + c) / 2 + std::sqrt(4 * b * b + (a - c) * (a - c)) / 2;
    return 4 * std::sqrt(std::max(0.0, most));
  }
};

// The lesion of every cell, 8-connected, numbered by its first cell.
std::vector<Moments> label(const Grid& grid, std::vector<int32_t>& labels) {
  const int64_t width = grid.window.width, height = grid.window.height;
  labels.assign(grid.values.size(), 0);
  std::vector<Moments> all;
  std::vector<int64_t> next;
  for (int64_t start = 0; start < width * height; ++start) {
    if (!grid.values[static_cast<size_t>(start)] || labels[static_cast<size_t>(start)]) continue;
    all.emplace_back();
    Moments& moments = all.back();
    const auto number = static_cast<int32_t>(all.size());
    labels[static_cast<size_t>(start)] = number;
    next.push_back(start);
    while (!next.empty()) {
      const int64_t cell = next.back(), x = cell % width, y = cell / width;
      next.pop_back();
      const auto fx = static_cast<double>(x), fy = static_cast<double>(y);
      ++moments.n;
      moments.x += fx;
      moments.y += fy;
      moments.xx += fx * fx;
      moments.xy += fx * fy;
      moments.yy += fy * fy;
      for (int64_t v = std::max<int64_t>(0, y - 1); v <= std::min(height - 1, y + 1); ++v) {
        for (int64_t u = std::max<int64_t>(0, x - 1); u <= std::min(width - 1, x + 1); ++u) {
          const auto other = static_cast<size_t>(v * width + u);
          if (!grid.values[other] || labels[other]) continue;
          labels[other] = number;
          next.push_back(v * width + u);
        }
      }
    }
  }
  return all;
}

}  // namespace

LesionMap find_lesions(const TumourMask& mask, const LesionRules& rules) {
  LesionMap map;
  map.slide = mask.slide;
  map.cell_px = rules.cell_px();
  if (std::ranges::find(mask.values, 1) == mask.values.end()) return map;
  const double cell_um = rules.mpp * static_cast<double>(rules.cell_px());
  Grid grid = grow(mask, rules.joined_um / (cell_um * 2));
  fill_holes(grid);
  map.window = grid.window;
  for (const Moments& moments : label(grid, map.labels)) {
    const double axis = moments.major_axis();
    map.lesions.push_back(
        {static_cast<int64_t>(moments.n), axis * cell_um, axis < rules.isolated_um / cell_um});
  }
  return map;
}

std::optional<int32_t> LesionMap::at(int64_t x_px, int64_t y_px) const {
  // Towards minus infinity, as Python divides.
  const auto down = [&](int64_t px) {
    return px >= 0 ? px / cell_px : -((-px + cell_px - 1) / cell_px);
  };
  const int64_t x = down(x_px), y = down(y_px);
  if (x < 0 || y < 0 || (slide.width > 0 && (x >= slide.width || y >= slide.height))) return {};
  if (x < window.x || y < window.y || x >= window.right() || y >= window.bottom()) return 0;
  return labels[static_cast<size_t>((y - window.y) * window.width + x - window.x)];
}

int64_t LesionMap::counted() const {
  return std::count_if(lesions.begin(), lesions.end(), [](const Lesion& l) { return !l.isolated; });
}

}  // namespace lamella::lesion
