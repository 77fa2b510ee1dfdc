// SPDX-License-Identifier: Apache-2.0
// Where OpenSlide can be asked for a level's pixels as they are stored. It takes level-0 px and
// divides by the level's downsample; where the quotient is no whole number it shifts the picture
// by the rest and interpolates.
#pragma once

#include <cstdint>
#include <vector>

namespace lamella::slide {

struct GridStart {
  int64_t level0_px = 0;  // to ask from
  int64_t before_px = 0;  // px of the level that then come before the tile
  bool operator==(const GridStart&) const = default;
};

// Tiles along one side of a level.
struct GridAxis {
  int64_t tile_px = 0;
  std::vector<GridStart> starts;
  double shift_px = 0;  // by how much a tile is off at most; 0: none is
};

// `size_px` of the level, `downsample` by OpenSlide. Each tile begins so far to the left that the
// quotient is whole (to 1/280 px, which changes no 8-bit value), at most kMostBeforePx; a side
// where that cannot be is read a little off.
GridAxis lay_grid(int64_t size_px, double downsample);

inline constexpr int64_t kGridTilePx = 512;
inline constexpr int64_t kMostBeforePx = 2048;

}  // namespace lamella::slide
