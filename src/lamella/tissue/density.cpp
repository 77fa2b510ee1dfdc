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
constexpr int kLeastColour = 12, kColourPart = 14;  // of what absorbs most: percent

struct Absorbed {
  int r, g, b;
};

struct Ink {
  bool dense, faint;    // of an ink's hue
  bool black, darkest;  // neutral, and dense or very dense
};

// Of a pixel in which `least` and `most` are absorbed of the channels.
Ink ink_of(const Absorbed& a, int least, int most) {
  const bool red = 100 * a.r < 17 * a.g && 100 * a.b > 62 * a.g;
  const bool green = 100 * a.g < 72 * a.r && 10 * a.g < 9 * a.b;
  const bool blue = 100 * a.r > 112 * a.g && 100 * a.b < 42 * a.r;
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

// For each channel the least value at which a pixel is clear, wherever it lies.
std::array<int, 3> clear_from(const DensityInput& input) {
  const int lightest = input.uneven ? input.uneven->least() : 0;
  std::array<int, 3> values{};
  for (size_t c = 0; c < 3; ++c) {
    while (values[c] < 255 && input.table[c][static_cast<size_t>(values[c])] - lightest >= kClear) {
      ++values[c];
    }
  }
  return values;
}

// How many pixels from `rgb` on are clear: whole sixteens.
int clear_pixels(const uint8_t* rgb, int count, const std::array<int, 3>& clear) {
  const auto all = [&](size_t c) { return cv::v_setall_u8(static_cast<uint8_t>(clear[c])); };
  const cv::v_uint8x16 least_r = all(0), least_g = all(1), least_b = all(2);
  int x = 0;
  for (; x + 16 <= count; x += 16) {
    cv::v_uint8x16 r, g, b;
    cv::v_load_deinterleave(rgb + ptrdiff_t{3} * x, r, g, b);
    if (!cv::v_check_all((r >= least_r) & (g >= least_g) & (b >= least_b))) break;
  }
  return x;
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
  if (most > kFaintInk) {
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
  DensityCounts counts;
  const DensityTable& table = input.table;
  const std::array<int, 3> clear = clear_from(input);
  std::vector<int16_t> glass(static_cast<size_t>(input.picture.width) * 3, 0);
  for (int y = first; y < last; ++y) {
    const uint8_t* rgb = input.picture.row(y);
    uint8_t* flag = flags.row(y);
    uint8_t* step = steps.row(y);
    bool known = input.uneven == nullptr;
    std::fill_n(step, input.picture.width, uint8_t{0});
    for (int x = 0; x < input.picture.width; ++x) {
      if (x % 16 == 0) x += clear_pixels(rgb + ptrdiff_t{3} * x, input.picture.width - x, clear);
      if (x >= input.picture.width) break;
      const uint8_t* pixel = rgb + ptrdiff_t{3} * x;
      if (pixel[0] >= clear[0] && pixel[1] >= clear[1] && pixel[2] >= clear[2]) continue;
      if (!known) input.uneven->row(y, glass);
      known = true;
      const int16_t* here = glass.data() + ptrdiff_t{3} * x;
      const Absorbed absorbed{table[0][pixel[0]] - here[0], table[1][pixel[1]] - here[1],
                              table[2][pixel[2]] - here[2]};
      counts.dark += (flag[x] & kDark) != 0;
      step[x] = measure_pixel(absorbed, flag[x], counts);
    }
  }
  return counts;
}

}  // namespace lamella::tissue
