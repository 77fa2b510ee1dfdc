// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/tissue/glass_internal.h"

namespace lamella::tissue {

namespace {

// Thousandths of optical density within which a flat pixel is still glass: neutral, and no darker
// than light can be uneven.
constexpr int kMostColoured = 25, kBrightest = -30, kDarkest = 160;
constexpr int kLeastPart = 10;  // a tenth of a cell must be glass
constexpr int kUnits = 2 * UnevenGlass::kCellPx;
constexpr int kShift = 12;         // kUnits squared is 4096
constexpr int kMeasuredEvery = 2;  // rows and columns
constexpr int kMeasured = UnevenGlass::kCellPx * UnevenGlass::kCellPx / 4;  // of a cell

}  // namespace

UnevenGlass::UnevenGlass(int width, int height)
    : width_(width),
      columns_((width + kCellPx - 1) / kCellPx),
      rows_((height + kCellPx - 1) / kCellPx),
      cells_(static_cast<size_t>(columns_) * static_cast<size_t>(rows_), Cell{}),
      known_(cells_.size(), 0) {}

// In units of half a pixel from the centre of the first cell: whole numbers.
UnevenGlass::Place UnevenGlass::place(int px, int cells) {
  const int at = 2 * px + 1 - kCellPx;
  const int cell = at < 0 ? -1 : at / kUnits;
  return {std::clamp(cell, 0, cells - 1), std::clamp(cell + 1, 0, cells - 1), at - kUnits * cell};
}

void UnevenGlass::measure(const ImageView& picture, const ImageView& flags,
                          const DensityTable& table, int cell_row) {
  struct Sums {
    std::array<int64_t, 3> densities{};
    int64_t count = 0;
  };
  std::vector<Sums> sums(static_cast<size_t>(columns_));
  const int last = std::min(picture.height, (cell_row + 1) * kCellPx);
  for (int y = cell_row * kCellPx; y < last; y += kMeasuredEvery) {
    const uint8_t* rgb = picture.row(y);
    const uint8_t* flag = flags.row(y);
    for (int x = 0; x < width_; x += kMeasuredEvery, rgb += 3 * kMeasuredEvery) {
      if ((flag[x] & (kFlat | kDark | kWhite)) != kFlat) continue;
      const int r = table[0][rgb[0]], g = table[1][rgb[1]], b = table[2][rgb[2]];
      const int mean = static_cast<int>(std::floor((r + g + b) / 3.0));
      if (std::max({r, g, b}) - std::min({r, g, b}) > kMostColoured) continue;
      if (mean <= kBrightest || mean >= kDarkest) continue;
      Sums& sum = sums[static_cast<size_t>(x / kCellPx)];
      sum.densities[0] += r, sum.densities[1] += g, sum.densities[2] += b;
      ++sum.count;
    }
  }
  const size_t first = static_cast<size_t>(cell_row) * static_cast<size_t>(columns_);
  for (size_t i = 0; i < sums.size(); ++i) {
    if (kLeastPart * sums[i].count < kMeasured) continue;
    known_[first + i] = 1;
    for (size_t c = 0; c < 3; ++c) {
      cells_[first + i][c] = static_cast<int>(std::lround(
          static_cast<double>(sums[i].densities[c]) / static_cast<double>(sums[i].count)));
    }
  }
}

void UnevenGlass::complete() {
  if (std::find(known_.begin(), known_.end(), 1) == known_.end()) return;
  fill();
  smooth();
}

// Ring by ring: a cell becomes the mean of its neighbours that were known a ring before.
void UnevenGlass::fill() {
  while (std::find(known_.begin(), known_.end(), 0) != known_.end()) {
    const std::vector<uint8_t> known = known_;
    for (int y = 0; y < rows_; ++y) {
      for (int x = 0; x < columns_; ++x) {
        const size_t here = static_cast<size_t>(y) * static_cast<size_t>(columns_) + size_t(x);
        if (known[here]) continue;
        Cell sum{};
        int count = 0;
        for (int v = std::max(0, y - 1); v <= std::min(rows_ - 1, y + 1); ++v) {
          for (int u = std::max(0, x - 1); u <= std::min(columns_ - 1, x + 1); ++u) {
            if (!known[static_cast<size_t>(v) * static_cast<size_t>(columns_) + size_t(u)])
              continue;
            for (size_t c = 0; c < 3; ++c) sum[c] += cell(u, v)[c];
            ++count;
          }
        }
        if (count == 0) continue;
        for (size_t c = 0; c < 3; ++c) cells_[here][c] = sum[c] / count;
        known_[here] = 1;
      }
    }
  }
}

// Weights 1 2 1 along both sides; the edge repeated.
void UnevenGlass::smooth() {
  const std::vector<Cell> before = cells_;
  const auto at = [&](int x, int y) -> const Cell& {
    return before[static_cast<size_t>(std::clamp(y, 0, rows_ - 1)) * static_cast<size_t>(columns_) +
                  static_cast<size_t>(std::clamp(x, 0, columns_ - 1))];
  };
  for (int y = 0; y < rows_; ++y) {
    for (int x = 0; x < columns_; ++x) {
      Cell& out = cells_[static_cast<size_t>(y) * static_cast<size_t>(columns_) + size_t(x)];
      for (size_t c = 0; c < 3; ++c) {
        int sum = 0;
        for (int v = -1; v <= 1; ++v) {
          for (int u = -1; u <= 1; ++u) sum += at(x + u, y + v)[c] * (2 - v * v) * (2 - u * u);
        }
        out[c] = sum / 16;
      }
    }
  }
}

std::array<int, 3> UnevenGlass::least_near(int column, int row) const {
  Cell least = cell(column, row);
  for (int y = std::max(0, row - 1); y <= std::min(rows_ - 1, row + 1); ++y) {
    for (int x = std::max(0, column - 1); x <= std::min(columns_ - 1, column + 1); ++x) {
      for (size_t c = 0; c < 3; ++c) least[c] = std::min(least[c], cell(x, y)[c]);
    }
  }
  return least;
}

void UnevenGlass::row(int y, std::vector<int16_t>& densities) const {
  const Place down = place(y, rows_);
  std::vector<Cell> cells(static_cast<size_t>(columns_));
  for (int i = 0; i < columns_; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      cells[static_cast<size_t>(i)][c] =
          cell(i, down.first)[c] * (kUnits - down.part) + cell(i, down.second)[c] * down.part;
    }
  }
  densities.resize(static_cast<size_t>(width_) * 3);
  for (int x = 0; x < width_;) {
    // Up to the next cell's centre the density changes by the same amount from pixel to pixel.
    const Place along = place(x, columns_);
    const int end = std::min(width_, x + (kUnits - along.part + 1) / 2);
    const Cell& a = cells[static_cast<size_t>(along.first)];
    const Cell& b = cells[static_cast<size_t>(along.second)];
    Cell value, step;
    for (size_t c = 0; c < 3; ++c) {
      value[c] = a[c] * (kUnits - along.part) + b[c] * along.part + kUnits * kUnits / 2;
      step[c] = 2 * (b[c] - a[c]);
    }
    for (int16_t* out = densities.data() + ptrdiff_t{3} * x; x < end; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        *out++ = static_cast<int16_t>(value[c] >> kShift);
        value[c] += step[c];
      }
    }
  }
}

}  // namespace lamella::tissue
