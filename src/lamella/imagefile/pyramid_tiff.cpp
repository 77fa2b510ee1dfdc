// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/jpeg_encoder_internal.h"
#include "lamella/imagefile/pyramid_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"
#include "lamella/imagefile/tile_spool_internal.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {

namespace {

// A tile of no bytes is one that is left out.
std::vector<uint8_t> encode_tile(JpegEncoder& encoder, const ImageView& tile,
                                 const TiffOptions& options) {
  if (options.leave_out_white) {
    const size_t bytes = static_cast<size_t>(tile.width) * 3;
    bool white = true;
    for (int y = 0; white && y < tile.height; ++y) {
      const uint8_t* row = tile.row(y);
      white = row[0] == 255 && std::memcmp(row, row + 1, bytes - 1) == 0;
    }
    if (white) return {};
  }
  return encoder.encode(tile);
}

void write_tile(TiffFile& file, int64_t index, const std::vector<uint8_t>& bytes) {
  if (!bytes.empty()) file.write_raw_tile(index, bytes.data(), bytes.size());
}

void begin_jpeg_level(TiffFile& file, SizePx size, SizePx full, const TiffOptions& options,
                      const std::vector<uint8_t>& tables) {
  file.begin_level(size, full, options.tile_px, options.mpp);
  file.set(TIFFTAG_BITSPERSAMPLE, 8);
  file.set(TIFFTAG_SAMPLESPERPIXEL, 3);
  file.set(TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
  file.set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
  file.set(TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
  file.set(TIFFTAG_JPEGTABLES, static_cast<uint32_t>(tables.size()), tables.data());
  if (size == full && !options.description.empty()) {
    file.set(TIFFTAG_IMAGEDESCRIPTION, options.description.c_str());
  }
}

void write_levels(TiffFile& file, TileSpool& spool, SizePx size_px, const TiffOptions& options,
                  const std::function<void(const RectPx&, const MutableImageView&)>& fill) {
  JpegEncoder encoder({.quality = options.jpeg_quality, .shared_tables = true});
  Pyramid pyramid(size_px, options.tile_px, options.pyramid,
                  [&](size_t level, int64_t, const ImageView& tile) {
                    spool.put(level, encode_tile(encoder, tile, options));
                  });
  const int tile_px = options.tile_px;
  Image tile(tile_px, tile_px, 3);
  begin_jpeg_level(file, size_px, size_px, options, encoder.tables());
  int64_t index = 0;
  for (int64_t y = 0; y < size_px.height; y += tile_px) {
    for (int64_t x = 0; x < size_px.width; x += tile_px, ++index) {
      const RectPx rect =
          intersect({x, y, tile_px, tile_px}, {0, 0, size_px.width, size_px.height});
      const MutableImageView part = crop(tile.view(), {0, 0, rect.width, rect.height});
      fill(rect, part);
      repeat_edges(tile.view(), part.width, part.height);
      write_tile(file, index, encode_tile(encoder, tile.view(), options));
      pyramid.add(rect, part);
    }
  }
  file.end_level();
  for (size_t level = 1; level < pyramid.levels().size(); ++level) {
    begin_jpeg_level(file, pyramid.levels()[level], size_px, options, encoder.tables());
    for (size_t i = 0; i < spool.count(level); ++i) {
      write_tile(file, static_cast<int64_t>(i), spool.get(level, i));
    }
    file.end_level();
  }
}

}  // namespace

void write_pyramid_tiff(const std::string& path, SizePx size_px, const TiffOptions& options,
                        const std::function<void(const RectPx&, const MutableImageView&)>& fill) {
  options.validate();
  check_tiff_size(size_px, path);
  // All levels together hold less than 4 bytes a pixel before compression.
  const bool big = checked_mul(size_px.width * size_px.height, 4, "image size") > kClassicTiffBytes;
  io::replace_file(path, [&](const std::string& temporary) {
    TiffFile file(temporary, path, big);
    TileSpool spool(temporary, path);
    write_levels(file, spool, size_px, options, fill);
  });
}

}  // namespace lamella::imagefile
