// SPDX-License-Identifier: Apache-2.0
// A picture in a TIFF at one size, and what its pixels tell of it.
#pragma once

#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"
#include "lamella/slide/decode_tiff_internal.h"
#include "lamella/slide/tiff_file_internal.h"

namespace lamella::slide {

// One directory, or those of its red, green and blue.
struct TiffLevel {
  std::vector<size_t> directories;
  const TiffDirectory& facts(const TiffFile& file) const {
    return file.directories[directories.front()];
  }
};

// As decode_tiff_tile.
void decode_level_tile(const TiffFile& file, const TiffLevel& level, TileIndex tile,
                       TiffTileDecoder& decoder, const MutableImageView& out,
                       const RectPx& part = {});

// A rectangle within the level. Errors as decode_tiff_tile.
Image read_level_part(const TiffFile& file, const TiffLevel& level, const RectPx& rect);

// Whether `coarse` shows the same as `fine`, in a few small windows; tiles that cannot be decoded
// tell nothing.
bool same_picture(const TiffFile& file, const TiffLevel& fine, const TiffLevel& coarse);

// Whether the picture is bright on the whole, as brightfield is and fluorescence is not.
bool is_bright(const TiffFile& file, const TiffLevel& level);

}  // namespace lamella::slide
