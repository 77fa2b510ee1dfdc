// SPDX-License-Identifier: Apache-2.0
// TIFFs of any layout, written by libtiff, and what libtiff makes of them.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lamella/base/image.h"

namespace lamella::test {

struct TiffSpec {
  std::string label;  // for the test's name
  std::vector<SizePx> levels = {{300, 250}};
  int tile_px = 64;  // 0: strips
  int rows_per_strip = 16;
  int compression = 1;
  int photometric = 2;
  int samples = 3;
  int extra_sample = -1;
  int predictor = 1;
  std::array<int, 2> subsampling = {2, 2};
  bool shared_tables = true;
  const char* mode = "w";                      // "wb": big-endian, "w8": BigTIFF
  std::set<std::pair<int, int>> missing = {};  // column, row; of level 0
  std::string description = {};
  double x_resolution = 0, y_resolution = 0;
  int resolution_unit = 3;
};

void PrintTo(const TiffSpec& spec, std::ostream* out);

// A scene with flat parts, edges and noise; differs from level to level.
// samples 1, 3 or 4; the fourth (alpha) takes all values.
Image make_pixels(const TiffSpec& spec, size_t level);

void write_tiff(const TiffSpec& spec, const std::string& path);

// Directory `index` of a JPEG TIFF as libtiff decodes it, colours converted by libjpeg.
Image decode_by_libtiff_alone(const std::string& path, int index);

// What a lossless TIFF must show: three channels over white.
Image expected_rgb(const TiffSpec& spec, size_t level);

// In a folder of this process, gone at its end.
std::string temp_path(const std::string& name);
std::string read_bytes(const std::string& path);
void write_bytes(const std::string& path, const std::string& bytes);
// Offset and length of a tile's stored bytes.
std::pair<int64_t, int64_t> stored_tile(const std::string& path, int directory, int tile);

}  // namespace lamella::test
