// SPDX-License-Identifier: Apache-2.0
// One JPEG stream, as it lies in a TIFF tile or strip, to RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"

namespace lamella::slide {

enum class JpegColour { kGrey, kRgb, kYcbcr };

struct JpegTile {
  std::span<const std::byte> bytes;
  std::span<const uint8_t> tables;         // TIFF's JPEGTables; empty if the stream has its own
  JpegColour colour = JpegColour::kYcbcr;  // TIFF's word, which wins over the stream's markers
  int min_rows = 0;                        // a file's last strip may be encoded shorter than `out`
  int reduction = 1;                       // 1, 2, 4 or 8: decoded at 1 / reduction
  RectPx part = {};                        // px of `out` that are wanted; empty: all
};

// `out` is w x h x 3, w and h those of the stream divided by the reduction. Error kCorrupt (without
// a path) on any error or warning of libjpeg, or if the stream's size or components are not the
// tile's. Of a `part` the pixels are those of the whole decoding, and the rest of `out` is
// unspecified. The whole stream is read all the same: most damage is noticed only further on than
// the pixels that it spoils.
void decode_jpeg(const JpegTile& tile, const MutableImageView& out);

}  // namespace lamella::slide
