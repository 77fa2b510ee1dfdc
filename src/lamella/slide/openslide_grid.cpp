// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/slide/openslide_grid_internal.h"

namespace lamella::slide {

namespace {

constexpr double kWholeEnough = 1.0 / 280;

double shift(int64_t level_px, int64_t level0_px, double downsample) {
  return std::abs(static_cast<double>(level0_px) / downsample - static_cast<double>(level_px));
}

GridAxis lay(int64_t size_px, double downsample, int64_t tile_px, int64_t most_before) {
  GridAxis axis;
  axis.tile_px = std::min(tile_px, size_px);
  for (int64_t at = 0; at < size_px; at += axis.tile_px) {
    GridStart start{std::llround(static_cast<double>(at) * downsample), 0};
    for (int64_t before = 0; before <= std::min(at, most_before); ++before) {
      const int64_t level0 = std::llround(static_cast<double>(at - before) * downsample);
      if (shift(at - before, level0, downsample) > kWholeEnough) continue;
      start = {level0, before};
      break;
    }
    const double off = shift(at - start.before_px, start.level0_px, downsample);
    if (off > kWholeEnough) axis.shift_px = std::max(axis.shift_px, off);
    axis.starts.push_back(start);
  }
  return axis;
}

}  // namespace

GridAxis lay_grid(int64_t size_px, double downsample) {
  GridAxis axis = lay(size_px, downsample, kGridTilePx, kGridTilePx);
  if (axis.shift_px == 0) return axis;
  // Larger tiles, so that what comes before weighs less.
  axis = lay(size_px, downsample, kMostBeforePx, kMostBeforePx);
  return axis.shift_px == 0 ? axis : lay(size_px, downsample, kGridTilePx, 0);
}

}  // namespace lamella::slide
