// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "lamella/tissue/density_internal.h"

namespace lamella::tissue {

namespace {

// Thousandths of optical density.
constexpr int kClear = 10, kCounted = 30, kDense = 45;
constexpr int kInkDensity = 500, kFaintInk = 200;
constexpr int kBlackDensity = 800, kBlackestDensity = 1500, kFaintBlack = 320;
constexpr int kLeastColour = 12, kColourPart = 14;  // of what absorbs most: percent

struct Absorbed {
  int r, g, b;
};

bool is_red(const Absorbed& a, int least) {
  return a.g > least && 100 * a.r < 17 * a.g && 100 * a.b > 62 * a.g;
}

bool is_green(const Absorbed& a, int least) {
  return 5 * a.r > 3 * least && 100 * a.g < 72 * a.r && 10 * a.g < 9 * a.b;
}

bool is_blue(const Absorbed& a, int least) {
  return 5 * a.r > 6 * least && 100 * a.r > 112 * a.g && 100 * a.b < 42 * a.r;
}

uint8_t ink_flags(const Absorbed& a, int most, int least, bool even) {
  const bool neutral = 10 * (most - least) < 3 * most;
  const bool ink =
      is_green(a, kInkDensity) || (even && (is_red(a, kInkDensity) || is_blue(a, kInkDensity)));
  const bool maybe = is_red(a, kFaintInk) || is_green(a, kFaintInk) || is_blue(a, kFaintInk) ||
                     (neutral && least > kFaintBlack);
  const bool black = even && neutral && least > kBlackDensity;
  const bool blackest = even && neutral && least > kBlackestDensity;
  return static_cast<uint8_t>((ink ? kInk : 0) | (maybe ? kMaybeInk : 0) | (black ? kBlackInk : 0) |
                              (blackest ? kBlackestInk : 0));
}

bool has_ink_hue(const Absorbed& a, int most, int least) {
  return is_red(a, kInkDensity) || is_green(a, kInkDensity) || is_blue(a, kInkDensity) ||
         (10 * (most - least) < 3 * most && least > kBlackDensity);
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
  DensityCounts counts;
  const DensityTable& table = input.table;
  std::vector<int> glass(static_cast<size_t>(input.picture.width) * 3, 0);
  for (int y = first; y < last; ++y) {
    if (input.uneven) input.uneven->row(y, glass);
    const uint8_t* rgb = input.picture.row(y);
    const int* local = glass.data();
    uint8_t* flag = flags.row(y);
    uint8_t* step = steps.row(y);
    for (int x = 0; x < input.picture.width; ++x, rgb += 3, local += 3) {
      const Absorbed a{table[0][rgb[0]] - local[0], table[1][rgb[1]] - local[1],
                       table[2][rgb[2]] - local[2]};
      const int most = std::max({a.r, a.g, a.b});
      step[x] = static_cast<uint8_t>(std::clamp(most * 2 / 5, 0, 255));
      flag[x] &= static_cast<uint8_t>(~kFlat);
      counts.dark += (flag[x] & kDark) != 0;
      if (most < kClear) continue;
      const int least = std::min({a.r, a.g, a.b});
      const bool coloured = 100 * (most - least) > std::max(kColourPart * most, 100 * kLeastColour);
      if (coloured) flag[x] |= kColoured;
      if (most <= kCounted || (flag[x] & (kDark | kWhite))) continue;
      if (most > kFaintInk) {
        const uint8_t ink = ink_flags(a, most, least, (flag[x] & kEven) != 0);
        flag[x] |= ink;
        counts.ink += (ink & kInk) != 0;
        counts.black_ink += (ink & kBlackInk) != 0;
        counts.blackest_ink += (ink & kBlackestInk) != 0;
        if (has_ink_hue(a, most, least)) continue;
      }
      ++counts.steps[step[x]];
      if (most <= kDense) continue;
      ++counts.dense;
      counts.coloured += coloured;
      counts.absorbed[0] += a.r, counts.absorbed[1] += a.g, counts.absorbed[2] += a.b;
    }
  }
  return counts;
}

}  // namespace lamella::tissue
