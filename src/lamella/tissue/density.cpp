// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>
#include <vector>

#include "lamella/tissue/density_internal.h"

namespace lamella::tissue {

namespace {

// Thousandths of optical density.
constexpr int kClear = 10, kCounted = 30, kDense = 45;
constexpr int kInkDensity = 500, kFaintInk = 200;
constexpr int kBlackDensity = 800, kBlackestDensity = 1500, kFaintBlack = 320;
// Red that a stain absorbs of what it absorbs in green: percent.
constexpr int kLeastRed = 17, kMostRed = 112;
constexpr int kLeastColour = 12, kColourPart = 14;  // of what absorbs most: percent

struct Absorbed {
  int r, g, b;
};

// Most of what is stained absorbs less red than green, and more than a little: no ink.
bool may_be_ink(const Absorbed& a, int least, int most) {
  return (100 * a.r < kLeastRed * a.g) | (100 * a.r > kMostRed * a.g) |
         (10 * (most - least) < 3 * most);
}

struct Ink {
  bool dense, faint;    // of an ink's hue
  bool black, darkest;  // neutral, and dense or very dense
};

// Of a pixel in which `least` and `most` are absorbed of the channels.
Ink ink_of(const Absorbed& a, int least, int most) {
  const bool red = 100 * a.r < kLeastRed * a.g && 100 * a.b > 62 * a.g;
  const bool green = 100 * a.g < 72 * a.r && 10 * a.g < 9 * a.b;
  const bool blue = 100 * a.r > kMostRed * a.g && 100 * a.b < 42 * a.r;
  const bool neutral = 10 * (most - least) < 3 * most;
  const auto denser = [&](int density) {
    return (red && a.g > density) || (green && 5 * a.r > 3 * density) ||
           (blue && 5 * a.r > 6 * density);
  };
  return {denser(kInkDensity), denser(kFaintInk) || (neutral && least > kFaintBlack),
          neutral && least > kBlackDensity, neutral && least > kBlackestDensity};
}

// Green is no tissue whatever its texture; the other hues are ink where they are even.
uint8_t ink_flags(const Absorbed& a, const Ink& ink, bool even) {
  const bool green = a.g < a.r && a.g < a.b;
  return static_cast<uint8_t>((ink.dense && (even || green) ? kInk : 0) |
                              (ink.faint ? kMaybeInk : 0) | (ink.black && even ? kBlackInk : 0) |
                              (ink.darkest && even ? kBlackestInk : 0));
}

// For each channel, from which value on a pixel is clear.
using Clear = std::array<uint8_t, 3>;

Clear clear_from(const DensityTable& table, const std::array<int, 3>& lightest) {
  Clear clear{};
  for (size_t c = 0; c < 3; ++c) {
    // Densities fall as values rise.
    const auto first =
        std::partition_point(table[c].begin(), table[c].end() - 1,
                             [&](int16_t density) { return density - lightest[c] >= kClear; });
    clear[c] = static_cast<uint8_t>(first - table[c].begin());
  }
  return clear;
}

// For each cell of a row of cells; for the whole width without uneven glass.
std::vector<Clear> clear_cells(const DensityInput& input, int cell_row) {
  constexpr int kCell = UnevenGlass::kCellPx;
  std::vector<Clear> cells;
  for (int column = 0; column * kCell < input.picture.width; ++column) {
    const bool same = !input.uneven && column > 0;
    const std::array<int, 3> lightest =
        input.uneven ? input.uneven->least_near(column, cell_row) : std::array<int, 3>{};
    cells.push_back(same ? cells.front() : clear_from(input.table, lightest));
  }
  return cells;
}

bool sixteen_clear(const uint8_t* rgb, const Clear& clear) {
  cv::v_uint8x16 r, g, b;
  cv::v_load_deinterleave(rgb, r, g, b);
  return cv::v_check_all((r >= cv::v_setall_u8(clear[0])) & (g >= cv::v_setall_u8(clear[1])) &
                         (b >= cv::v_setall_u8(clear[2])));
}

// Of a pixel that is not clear: its step; adds to its flags and to the counts.
uint8_t measure_pixel(const Absorbed& a, uint8_t& flags, DensityCounts& counts) {
  const int most = std::max({a.r, a.g, a.b}), least = std::min({a.r, a.g, a.b});
  flags &= static_cast<uint8_t>(~kFlat);
  if (most < kClear) return 0;
  const auto step = static_cast<uint8_t>(std::min(most * 2 / 5, 255));
  const bool coloured = 100 * (most - least) > std::max(kColourPart * most, 100 * kLeastColour);
  if (coloured) flags |= kColoured;
  if (most <= kCounted || (flags & (kDark | kWhite))) return step;
  if (most > kFaintInk && may_be_ink(a, least, most)) {
    const Ink ink = ink_of(a, least, most);
    const uint8_t found = ink_flags(a, ink, (flags & kEven) != 0);
    flags |= found;
    counts.ink += (found & kInk) != 0;
    counts.black_ink += (found & kBlackInk) != 0;
    counts.blackest_ink += (found & kBlackestInk) != 0;
    if (ink.dense || ink.black) return step;
  }
  ++counts.steps[step];
  if (most <= kDense) return step;
  ++counts.dense;
  counts.coloured += coloured;
  counts.absorbed[0] += a.r, counts.absorbed[1] += a.g, counts.absorbed[2] += a.b;
  return step;
}

}  // namespace

void DensityCounts::add(const DensityCounts& other) {
  for (size_t i = 0; i < steps.size(); ++i) steps[i] += other.steps[i];
  dense += other.dense, coloured += other.coloured;
  ink += other.ink, black_ink += other.black_ink, blackest_ink += other.blackest_ink;
  dark += other.dark;
  for (size_t c = 0; c < absorbed.size(); ++c) absorbed[c] += other.absorbed[c];
}

int DensityCounts::strong_step() const {
  int64_t all = 0, below = 0;
  for (const int64_t count : steps) all += count;
  if (all == 0) return 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    below += steps[i];
    if (10 * below >= 9 * all) return static_cast<int>(i);
  }
  return 255;
}

DensityCounts measure_density(const DensityInput& input, int first, int last,
                              const MutableImageView& flags, const MutableImageView& steps) {
  constexpr int kCell = UnevenGlass::kCellPx, kAtOnce = 16;
  static_assert(kCell % kAtOnce == 0);
  DensityCounts counts;
  const DensityTable& table = input.table;
  const int width = input.picture.width;
  std::vector<int16_t> glass(static_cast<size_t>(width) * 3, 0);
  std::vector<Clear> clear;
  for (int y = first; y < last; ++y) {
    if (y == first || y % kCell == 0) clear = clear_cells(input, y / kCell);
    const uint8_t* rgb = input.picture.row(y);
    uint8_t* flag = flags.row(y);
    uint8_t* step = steps.row(y);
    bool known = input.uneven == nullptr;
    for (int left = 0; left < width; left += kAtOnce) {
      const int right = std::min(width, left + kAtOnce);
      const Clear& here = clear[static_cast<size_t>(left / kCell)];
      if (right - left == kAtOnce && sixteen_clear(rgb + ptrdiff_t{3} * left, here)) continue;
      if (!known) input.uneven->row(y, glass);
      known = true;
      for (int x = left; x < right; ++x) {
        const uint8_t* pixel = rgb + ptrdiff_t{3} * x;
        const int16_t* own = glass.data() + ptrdiff_t{3} * x;
        const Absorbed absorbed{table[0][pixel[0]] - own[0], table[1][pixel[1]] - own[1],
                                table[2][pixel[2]] - own[2]};
        counts.dark += (flag[x] & kDark) != 0;
        step[x] = measure_pixel(absorbed, flag[x], counts);
      }
    }
  }
  return counts;
}

}  // namespace lamella::tissue
