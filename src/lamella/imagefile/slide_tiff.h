// SPDX-License-Identifier: Apache-2.0
// A slide as a pyramidal TIFF whose JPEG tiles are copied as they are stored.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"

namespace lamella::imagefile {

// How the tiles of a level are stored.
struct StoredJpeg {
  SizePx tile_px;
  std::vector<uint8_t> tables;  // tables-only stream; empty if each tile has its own
  bool ycbcr = true;            // else RGB
  int subsampling_x = 2, subsampling_y = 2;
};

struct CopiedLevel {
  SizePx size_px;
  StoredJpeg stored;
  // Bytes of a tile, row-major; empty: the file leaves it out.
  std::function<std::vector<uint8_t>(int64_t column, int64_t row)> tile;
};

struct SlideTiff {
  std::vector<CopiedLevel> levels;  // finest first, at least one
  // Further levels are made of these: fill(level, rect, out) paints px of one.
  std::function<void(size_t level, const RectPx& rect, const MutableImageView& out)> fill;
  int made_quality = 90;             // of JPEG
  std::optional<Mpp> mpp = {};       // at level 0
  std::vector<uint8_t> icc = {};     // colour profile, as it is
  std::string description = {};      // of the first directory
  bool levels_as_sub_ifds = false;   // as OME-TIFF has them; else pages, as OpenSlide wants them
  std::vector<Image> pictures = {};  // RGB, pages behind the slide's
  std::vector<std::string> picture_names = {};
};

// A level that is made: so many times halved, rounded up, of a copied one.
struct MadeLevel {
  size_t from = 0;
  size_t halvings = 0;
  SizePx size_px;
};
// Those that are made, finest first: quarters between two copied levels of which one is more than
// five times the other, and halves of the last until one tile holds it.
std::vector<MadeLevel> made_levels(const SlideTiff& slide);

// Atomic; BigTIFF beyond 4 GB. Error kIo.
void write_slide_tiff(const SlideTiff& slide, const std::string& path);

}  // namespace lamella::imagefile
