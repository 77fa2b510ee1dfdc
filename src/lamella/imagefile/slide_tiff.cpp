// SPDX-License-Identifier: Apache-2.0
#include "lamella/imagefile/slide_tiff.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/jpeg_encoder_internal.h"
#include "lamella/imagefile/pyramid_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"
#include "lamella/imagefile/tile_spool_internal.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {

namespace {

constexpr int kMadeTile = 256;

class SlideWriter {
 public:
  SlideWriter(const SlideTiff& slide, TiffFile& file) : slide_(slide), file_(file) {}

  void write(TileSpool& spool) {
    JpegEncoder encoder({.quality = slide_.made_quality, .shared_tables = true});
    make_levels(encoder, spool);
    const size_t below = slide_.levels.size() - 1 + made_levels(slide_).size();
    for (size_t i = 0; i < slide_.levels.size(); ++i) write_copied(i, below);
    const std::vector<SizePx> sizes = made_levels(slide_);
    for (size_t i = 0; i < sizes.size(); ++i) {
      begin(sizes[i], {{kMadeTile, kMadeTile}, encoder.tables(), true, 2, 2}, true);
      for (size_t tile = 0; tile < spool.count(i + 1); ++tile) {
        const std::vector<uint8_t> bytes = spool.get(i + 1, tile);
        file_.write_raw_tile(static_cast<int64_t>(tile), bytes.data(), bytes.size());
      }
      file_.end_level();
    }
    for (size_t i = 0; i < slide_.pictures.size(); ++i) write_picture(i, encoder);
  }

 private:
  SizePx full() const { return slide_.levels.front().size_px; }

  // The tiles of all made levels wait in the spool, by level from 1.
  void make_levels(JpegEncoder& encoder, TileSpool& spool) {
    if (made_levels(slide_).empty()) return;
    const SizePx from = slide_.levels.back().size_px;
    Pyramid pyramid(from, kMadeTile, true, [&](size_t level, int64_t, const ImageView& tile) {
      spool.put(level, encoder.encode(tile));
    });
    Image tile(kMadeTile, kMadeTile, 3);
    for (int64_t y = 0; y < from.height; y += kMadeTile) {
      for (int64_t x = 0; x < from.width; x += kMadeTile) {
        const RectPx rect =
            intersect({x, y, kMadeTile, kMadeTile}, {0, 0, from.width, from.height});
        const MutableImageView part = crop(tile.view(), {0, 0, rect.width, rect.height});
        slide_.fill(rect, part);
        pyramid.add(rect, part);
      }
    }
  }

  void begin(SizePx size, const StoredJpeg& stored, bool reduced) {
    file_.begin_level(size, reduced ? full() : size, static_cast<int>(stored.tile_px.width),
                      slide_.mpp);
    file_.set(TIFFTAG_TILELENGTH, static_cast<uint32_t>(stored.tile_px.height));
    file_.set(TIFFTAG_BITSPERSAMPLE, 8);
    file_.set(TIFFTAG_SAMPLESPERPIXEL, 3);
    file_.set(TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
    file_.set(TIFFTAG_PHOTOMETRIC, stored.ycbcr ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB);
    if (stored.ycbcr) {
      file_.set(TIFFTAG_YCBCRSUBSAMPLING, stored.subsampling_x, stored.subsampling_y);
    }
    if (!stored.tables.empty()) {
      file_.set(TIFFTAG_JPEGTABLES, static_cast<uint32_t>(stored.tables.size()),
                stored.tables.data());
    }
  }

  void write_copied(size_t number, size_t below) {
    const CopiedLevel& level = slide_.levels[number];
    begin(level.size_px, level.stored, number > 0);
    if (number == 0) {
      if (!slide_.description.empty()) {
        file_.set(TIFFTAG_IMAGEDESCRIPTION, slide_.description.c_str());
      }
      if (!slide_.icc.empty()) {
        file_.set(TIFFTAG_ICCPROFILE, static_cast<uint32_t>(slide_.icc.size()), slide_.icc.data());
      }
      if (slide_.levels_as_sub_ifds && below > 0) {
        const std::vector<uint64_t> places(below, 0);  // libtiff fills them as they are written
        file_.set(TIFFTAG_SUBIFD, static_cast<int>(below), places.data());
      }
    }
    const SizePx tile = level.stored.tile_px;
    const int64_t columns = (level.size_px.width + tile.width - 1) / tile.width;
    const int64_t rows = (level.size_px.height + tile.height - 1) / tile.height;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        const std::vector<uint8_t> bytes = level.tile(column, row);
        if (!bytes.empty()) {
          file_.write_raw_tile(row * columns + column, bytes.data(), bytes.size());
        }
      }
    }
    file_.end_level();
  }

  void write_picture(size_t number, JpegEncoder& encoder) {
    const ImageView picture = slide_.pictures[number].view();
    const SizePx size{picture.width, picture.height};
    begin(size, {{kMadeTile, kMadeTile}, encoder.tables(), true, 2, 2}, false);
    file_.set(TIFFTAG_IMAGEDESCRIPTION, slide_.picture_names[number].c_str());
    Image tile(kMadeTile, kMadeTile, 3);
    int64_t index = 0;
    for (int y = 0; y < picture.height; y += kMadeTile) {
      for (int x = 0; x < picture.width; x += kMadeTile) {
        const int width = std::min(kMadeTile, picture.width - x);
        const int height = std::min(kMadeTile, picture.height - y);
        for (int row = 0; row < height; ++row) {
          std::copy_n(picture.row(y + row) + 3 * x, 3 * width, tile.view().row(row));
        }
        repeat_edges(tile.view(), width, height);
        const std::vector<uint8_t> bytes = encoder.encode(tile.view());
        file_.write_raw_tile(index++, bytes.data(), bytes.size());
      }
    }
    file_.end_level();
  }

  const SlideTiff& slide_;
  TiffFile& file_;
};

}  // namespace

std::vector<SizePx> made_levels(const SlideTiff& slide) {
  std::vector<SizePx> sizes = level_sizes(slide.levels.back().size_px, kMadeTile, true);
  sizes.erase(sizes.begin());
  return sizes;
}

void write_slide_tiff(const SlideTiff& slide, const std::string& path) {
  const SizePx size = slide.levels.front().size_px;
  check_tiff_size(size, path);
  // Tiles are copied: their bytes are known to be fewer than the pixels'.
  const bool big = size.width * size.height > kClassicTiffBytes / 4;
  io::replace_file(path, [&](const std::string& temporary) {
    TiffFile file(temporary, path, big);
    TileSpool spool(temporary, path);
    SlideWriter(slide, file).write(spool);
  });
}

}  // namespace lamella::imagefile
