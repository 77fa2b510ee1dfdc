// SPDX-License-Identifier: Apache-2.0
// Picture files in and out. All writers are atomic (io::replace_file). Errors: kIo, kCorrupt,
// kUnsupported, kLimit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"

namespace lamella::imagefile {

// 1 (grey) or 3 (RGB) channels.
std::vector<uint8_t> encode_png(const ImageView& image);
// Colour at full (4:4:4) or half (4:2:0) resolution; by quality: halved below 90.
enum class Chroma { kByQuality, kFull, kHalved };
// "auto", "4:4:4", "4:2:0". Error kInvalidArgument.
Chroma parse_chroma(const std::string& text);

// RGB; quality 1-100.
std::vector<uint8_t> encode_jpeg(const ImageView& image, int quality,
                                 Chroma chroma = Chroma::kByQuality);
void write_png(const ImageView& image, const std::string& path);
// Grey stays 1 channel, everything else becomes RGB composited over white.
Image read_png(const std::string& path);

struct TiffOptions {
  int tile_px = 256;  // multiple of 16
  int jpeg_quality = 85;
  std::optional<Mpp> mpp = {};             // written as resolution tags (pixels per centimetre)
  std::optional<PointF> position_um = {};  // with mpp: offset of the picture, as position tags
  std::string description = {};            // ImageDescription
  bool pyramid = true;                     // halve (box filter) until one tile holds the level
  bool leave_out_white = false;  // tiles that are white all over are not stored: they read as white
  void validate() const;
};

// Tiled pyramidal JPEG TIFF (YCbCr 4:2:0, BigTIFF beyond 4 GB) from rows of tiles made on demand:
// fill(rect, out) paints the level-0 px of `rect` (inside the image) into `out`. Called in
// row-major tile order from one thread; the memory held is a few rows of tiles.
void write_pyramid_tiff(const std::string& path, SizePx size_px, const TiffOptions& options,
                        const std::function<void(const RectPx&, const MutableImageView&)>& fill);

// Tiled pyramidal single-channel float32 TIFF (deflate), values row-major [height][width]; NaN
// stays NaN; a coarser pixel is the mean of its finite children, NaN if there are none.
void write_float_tiff(const std::string& path, SizePx size_px, std::span<const float> values,
                      const TiffOptions& options);

}  // namespace lamella::imagefile
