// SPDX-License-Identifier: Apache-2.0
// Coarser levels made while level 0 goes by. What is held of a level is one row of its tiles.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"

namespace lamella::imagefile {

inline SizePx halved(SizePx size) { return {(size.width + 1) / 2, (size.height + 1) / 2}; }
inline int64_t tiles_across(int64_t px, int tile_px) { return (px + tile_px - 1) / tile_px; }

// [0] is `size`; halved, rounded up, until one tile holds the level (only [0] without `pyramid`).
std::vector<SizePx> level_sizes(SizePx size, int tile_px, bool pyramid);

// out(x, y) = rounded mean of the 2 x 2 px of `from` it stands for, of fewer at odd edges;
// 1 or 3 channels.
void halve_pixels(const ImageView& from, const MutableImageView& out);

class Pyramid {
 public:
  // Gets the whole tiles of levels >= 1, row-major within a level; px beyond the level's edge
  // repeat the edge.
  using Sink = std::function<void(size_t level, int64_t tile_index, const ImageView& tile)>;

  Pyramid(SizePx size, int tile_px, bool pyramid, Sink sink);

  const std::vector<SizePx>& levels() const { return levels_; }
  // The tiles of level 0 in row-major order, only the px inside the image.
  void add(const RectPx& rect_px, const ImageView& tile);

 private:
  void reduce_into(size_t level, const RectPx& finer_rect, const ImageView& finer);
  void finish_row(size_t finer_level, int64_t finer_row);

  int tile_px_;
  Sink sink_;
  std::vector<SizePx> levels_;
  std::vector<Image> bands_;  // [level]: the level's width x tile_px; [0] stays empty
  Image tile_;
};

// Repeats the last column and row of the valid part (top-left width x height) over the rest.
void repeat_edges(const MutableImageView& tile, int width, int height);

}  // namespace lamella::imagefile
