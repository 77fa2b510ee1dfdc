// SPDX-License-Identifier: Apache-2.0
// Which tiles a region of a level touches; no I/O.
#pragma once

#include "lamella/base/geometry.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

// Half-open ranges of tile columns and rows.
struct TileRange {
  int64_t column0 = 0, column1 = 0, row0 = 0, row1 = 0;
  bool empty() const { return column0 >= column1 || row0 >= row1; }
};

// Error kInvalidArgument if there is no such level.
const LevelInfo& require_level(const SlideInfo& info, int level);

// Error kInvalidArgument if a side is not in 1..2^31-1 or a coordinate is beyond 2^40.
void require_region(const SlideInfo& info, const RectPx& region);

// Empty if the region lies outside the level.
TileRange tiles_of(const LevelInfo& level, const RectPx& region);

RectPx tile_rect(const LevelInfo& level, TileIndex tile);

// What `region` and the tile share within the level, in px of the tile.
RectPx part_of_tile(const LevelInfo& level, TileIndex tile, const RectPx& region);

// Copies what `tile_pixels` (all of `tile`) and `region` share, within the level, into `out`,
// which is the region's.
void copy_tile_part(const LevelInfo& level, TileIndex tile, const ImageView& tile_pixels,
                    const RectPx& region, const MutableImageView& out);

// Whitens what of `out` (the region's) lies outside the level.
void whiten_outside(const LevelInfo& level, const RectPx& region, const MutableImageView& out);

}  // namespace lamella::slide
