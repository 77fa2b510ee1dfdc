// SPDX-License-Identifier: Apache-2.0
// Means over areas in whole numbers, one axis at a time: what thumbnails, tissue masks and patches
// are made by.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace lamella {

// Result pixel o is sum(weights[first_weight + k] * pixel[first + k], k < count) / total.
struct AreaTap {
  int32_t first = 0;  // source px
  int32_t count = 0;  // that it covers, wholly or in part
  int32_t first_weight = 0;
  int32_t total = 0;
};

struct AreaAxis {
  std::vector<AreaTap> taps;
  std::vector<int32_t> weights;  // lengths in 1/unit px

  // Result pixel o covers [border(o), border(o + 1)), in 1/unit of a source pixel, not below 0.
  template <typename Border>
  static AreaAxis of_borders(int64_t unit, int64_t out_px, const Border& border) {
    AreaAxis axis;
    axis.taps.reserve(static_cast<size_t>(out_px));
    for (int64_t o = 0; o < out_px; ++o) {
      const int64_t from = border(o), to = border(o + 1);
      const int64_t first = from / unit, end = (to + unit - 1) / unit;
      axis.taps.push_back({static_cast<int32_t>(first), static_cast<int32_t>(end - first),
                           static_cast<int32_t>(axis.weights.size()),
                           static_cast<int32_t>(to - from)});
      for (int64_t px = first; px < end; ++px) {
        axis.weights.push_back(
            static_cast<int32_t>(std::min(to, (px + 1) * unit) - std::max(from, px * unit)));
      }
    }
    return axis;
  }

  // `from` px become `to` px, exactly: the total of each is `from`. 1 <= to <= from < 2^31.
  static AreaAxis whole(int64_t from, int64_t to) {
    return of_borders(to, to, [from](int64_t o) { return o * from; });
  }
};

// The taps' weighted sums of one row of RGB pixels whose first is source px `origin`: 3 numbers
// each. Sum must hold 255 * total.
template <typename Sum>
void sum_row(const uint8_t* row, int64_t origin, std::span<const AreaTap> taps,
             const std::vector<int32_t>& weights, Sum* out) {
  for (const AreaTap& tap : taps) {
    const uint8_t* pixel = row + 3 * (tap.first - origin);
    const int32_t* weight = weights.data() + tap.first_weight;
    Sum r = 0, g = 0, b = 0;
    for (int32_t k = 0; k < tap.count; ++k, pixel += 3) {
      const Sum part = static_cast<Sum>(weight[k]);
      r += part * pixel[0];
      g += part * pixel[1];
      b += part * pixel[2];
    }
    *out++ = r;
    *out++ = g;
    *out++ = b;
  }
}

// sum / area, rounded half up; 0 <= sum <= 255 area, area < 2^54.
inline uint8_t rounded_mean(uint64_t sum, uint64_t area) {
  return static_cast<uint8_t>((sum + area / 2) / area);
}

}  // namespace lamella
