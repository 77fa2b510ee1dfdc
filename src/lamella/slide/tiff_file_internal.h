// SPDX-License-Identifier: Apache-2.0
// The directories of a TIFF as plain data, checked against the file's size. Immutable after
// reading.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/io/byte_source.h"

namespace lamella::slide {

// A decoded tile or strip may have at most this many bytes as RGB.
inline constexpr int64_t kMaxTileBytes = int64_t{64} << 20;

enum class ExtraSample { kNone, kUnspecified, kPremultipliedAlpha, kAlpha };

constexpr int kUnknownUnit = -1;

// Pages in the file's order, then the SubIFDs of each.
struct TiffDirectory {
  uint64_t offset = 0;                // of the directory in the file
  std::optional<size_t> parent;       // of a SubIFD: the index of its page
  std::vector<uint64_t> sub_offsets;  // where its SubIFDs lie
  // Why nothing that the directory says can be relied on; "" if it is sound.
  std::string problem;
  SizePx size_px;
  bool tiled = false;
  SizePx tile_px;  // of a strip: the whole width and the rows per strip
  int64_t columns = 0, rows = 0;
  uint32_t subfile_type = 0;
  int compression = 0, photometric = 0, bits = 0, samples = 0, planar = 0, sample_format = 0;
  int predictor = 1, fill_order = 1, orientation = 1;
  int64_t depth = 1;  // slices of a volume
  ExtraSample extra_sample = ExtraSample::kNone;
  std::vector<uint64_t> offsets, byte_counts;  // columns * rows, row-major; plane after plane
  std::vector<uint8_t> jpeg_tables;
  std::vector<uint8_t> palette;  // 256 x RGB; of palette pictures
  std::vector<uint8_t> icc;      // colour profile; empty if there is none
  std::string description, software, make, xmp;
  double x_resolution = 0, y_resolution = 0;  // per resolution_unit; 0 if absent
  int resolution_unit = 0;                    // TIFF's: 1 none, 2 inch, 3 cm; or kUnknownUnit
};

struct TiffFile {
  std::shared_ptr<const io::ByteSource> source;
  std::vector<TiffDirectory> directories;  // never empty
};

// Whether the file starts as a TIFF or BigTIFF does.
bool is_tiff(const io::ByteSource& source);

// A directory that cannot be relied on has a `problem`. Error kCorrupt if that is so of all of
// them, kLimit if there are absurdly many.
std::shared_ptr<const TiffFile> read_tiff_file(std::shared_ptr<const io::ByteSource> source);

// "jpeg", "jpeg2000", "deflate", "lzw", "none", "packbits", "webp", "zstd", else "compression
// <number> (<its name>)".
std::string compression_name(int compression);

// "RGB", "YCbCr", "grey" ...
std::string photometric_name(int photometric);

// What about a directory's pixels lamella cannot decode, or "": "16 bits per sample; expected 8".
std::string unsupported_reason(const TiffDirectory& directory);

}  // namespace lamella::slide
