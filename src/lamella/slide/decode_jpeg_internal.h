// SPDX-License-Identifier: Apache-2.0
// One JPEG stream, as it lies in a TIFF tile or strip, to RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"

namespace lamella::slide {

// kSamples: as many as `out` has channels, as they are.
enum class JpegColour { kGrey, kRgb, kYcbcr, kSamples };

struct JpegTile {
  std::span<const std::byte> bytes;
  std::span<const uint8_t> tables;  // TIFF's JPEGTables; empty if the stream has its own
  // TIFF's word. A stream that says YCbCr (JFIF, Adobe's marker, halved chroma) where TIFF says RGB
  // is right: some writers tag so.
  JpegColour colour = JpegColour::kYcbcr;
  int min_rows = 0;   // a file's last strip may be encoded shorter than `out`
  int reduction = 1;  // 1, 2, 4 or 8: decoded at 1 / reduction
  RectPx part = {};   // px of `out` that are wanted; empty: all
};

// `out` is w x h x 3, w and h those of the stream divided by the reduction; with kSamples, of any
// channels. Errors without a path: kCorrupt on any error or warning of libjpeg, or if the stream's
// size or components are not the tile's; kUnsupported if stream and TIFF contradict each other in a
// way that no known writer makes. Of a `part` the pixels are those of the whole decoding, and the
// rest of `out` is unspecified. The whole stream is read all the same: most damage is noticed only
// further on than the pixels that it spoils.
void decode_jpeg(const JpegTile& tile, const MutableImageView& out);

// What of a stream cannot be decoded, from its first bytes, or "": "lossless JPEG",
// "12 bits", "4 components; expected 3". "" too where they do not say.
std::string unsupported_jpeg(std::span<const std::byte> start, int expected_components);

}  // namespace lamella::slide
