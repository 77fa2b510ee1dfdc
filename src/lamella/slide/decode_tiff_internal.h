// SPDX-License-Identifier: Apache-2.0
// One tile or strip of a TIFF directory to RGB, whatever its compression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lamella/base/image.h"
#include "lamella/slide/slide.h"
#include "lamella/slide/tiff_file_internal.h"
#include "lamella/slide/tiff_handle_internal.h"

namespace lamella::slide {

class TiffTileDecoder final : public TileDecoder {
 public:
  std::vector<std::byte> stored;
  std::vector<uint8_t> samples;
  std::vector<uint8_t> channel;  // one of three pages that are a picture's colours
  // libtiff's own codecs (LZW, PackBits, none): a handle for each directory, set to it.
  std::map<size_t, std::unique_ptr<TiffHandle>> handles;
};

// Byte ranges {offset, length} of the tiles in the file's order; those at most `gap` bytes apart
// are one range. What lies beyond the file's end, and tiles of length 0, are left out.
std::vector<std::pair<int64_t, int64_t>> merged_ranges(const TiffFile& file, size_t directory,
                                                       std::span<const TileIndex> tiles,
                                                       int64_t gap);

// Those of the tiles in the order that is given; none of what merged_ranges leaves out.
std::vector<io::ByteRange> stored_ranges(const TiffFile& file, std::span<const size_t> directories,
                                         std::span<const TileIndex> tiles);

// What of a directory's tiles cannot be decoded, from the first of them, or "": "lossless JPEG".
std::string unsupported_tiles(const TiffFile& file, const TiffDirectory& directory);

// The greatest reduction that all tiles of a directory can be decoded at: a power of two up to 8.
// By the first tile of `sample`, whose tiles are stored alike.
int max_reduction(const TiffFile& file, const TiffDirectory& directory,
                  const TiffDirectory& sample);

// `out` has the size of the directory's tiles divided by a reduction up to max_reduction. Parts
// beyond the image's edge are white, so is a tile of length 0. Only `part` (px of `out`; empty:
// all) need be right. Errors as Slide::read_tile, without path or place.
void decode_tiff_tile(const TiffFile& file, size_t directory, TileIndex tile,
                      TiffTileDecoder& decoder, const MutableImageView& out,
                      const RectPx& part = {});

}  // namespace lamella::slide
