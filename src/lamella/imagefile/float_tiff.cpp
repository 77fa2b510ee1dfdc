// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/pyramid_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {

namespace {

// A coarser value is the mean of its finite children, NaN if there are none.
std::vector<float> halve_values(std::span<const float> values, SizePx from, SizePx to) {
  std::vector<float> out(static_cast<size_t>(to.width * to.height));
  for (int64_t y = 0; y < to.height; ++y) {
    for (int64_t x = 0; x < to.width; ++x) {
      double sum = 0;
      int count = 0;
      for (int64_t v = 2 * y; v < std::min(2 * y + 2, from.height); ++v) {
        for (int64_t u = 2 * x; u < std::min(2 * x + 2, from.width); ++u) {
          const float value = values[static_cast<size_t>(v * from.width + u)];
          if (!std::isfinite(value)) continue;
          sum += value;
          ++count;
        }
      }
      out[static_cast<size_t>(y * to.width + x)] =
          count == 0 ? std::nanf("") : static_cast<float>(sum / count);
    }
  }
  return out;
}

void write_float_level(TiffFile& file, std::span<const float> values, SizePx size, SizePx full,
                       const TiffOptions& options) {
  const int64_t tile_px = options.tile_px;
  file.begin_level(size, full, options.tile_px, options.mpp);
  file.set(TIFFTAG_BITSPERSAMPLE, 32);
  file.set(TIFFTAG_SAMPLESPERPIXEL, 1);
  file.set(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
  file.set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  // No floating-point predictor: many readers lack it, and probabilities gain little from it.
  file.set(TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  constexpr double kMicrometres = 1e4;  // in the resolution's unit, a centimetre
  if (options.mpp && options.position_um) {
    file.set(TIFFTAG_XPOSITION, options.position_um->x / kMicrometres);
    file.set(TIFFTAG_YPOSITION, options.position_um->y / kMicrometres);
  }
  if (size == full && !options.description.empty()) {
    file.set(TIFFTAG_IMAGEDESCRIPTION, options.description.c_str());
  }
  std::vector<float> tile(static_cast<size_t>(tile_px * tile_px));
  int64_t index = 0;
  for (int64_t y = 0; y < size.height; y += tile_px) {
    for (int64_t x = 0; x < size.width; x += tile_px, ++index) {
      std::fill(tile.begin(), tile.end(), std::nanf(""));
      const int64_t columns = std::min(tile_px, size.width - x);
      for (int64_t v = 0; v < std::min(tile_px, size.height - y); ++v) {
        std::copy_n(values.begin() + (y + v) * size.width + x, columns, tile.begin() + v * tile_px);
      }
      file.write_tile(index, tile.data(), tile.size() * sizeof(float));
    }
  }
  file.end_level();
}

}  // namespace

void write_float_tiff(const std::string& path, SizePx size_px, std::span<const float> values,
                      const TiffOptions& options) {
  options.validate();
  check_tiff_size(size_px, path);
  if (static_cast<int64_t>(values.size()) != size_px.width * size_px.height) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} values were given for {} x {} px", values.size(), size_px.width,
                            size_px.height),
                path);
  }
  const bool big = checked_mul(size_px.width * size_px.height, 6, "image size") > kClassicTiffBytes;
  io::replace_file(path, [&](const std::string& temporary) {
    TiffFile file(temporary, path, big);
    write_float_level(file, values, size_px, size_px, options);
    std::vector<float> coarser;
    const auto sizes = level_sizes(size_px, options.tile_px, options.pyramid);
    for (size_t level = 1; level < sizes.size(); ++level) {
      coarser = halve_values(level == 1 ? values : std::span<const float>(coarser),
                             sizes[level - 1], sizes[level]);
      write_float_level(file, coarser, sizes[level], size_px, options);
    }
  });
}

}  // namespace lamella::imagefile
