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
constexpr int64_t kWidestStep = 5;  // from one level to the next; Aperio's are 4
constexpr size_t kSpoolStep = 64;   // more than a level can be halved

class SlideWriter {
 public:
  SlideWriter(const SlideTiff& slide, TiffFile& file) : slide_(slide), file_(file) {}

  void write(TileSpool& spool) {
    JpegEncoder encoder({.quality = slide_.made_quality, .shared_tables = true});
    const std::vector<MadeLevel> made = made_levels(slide_);
    for (size_t i = 0; i < slide_.levels.size(); ++i) make_levels(i, made, encoder, spool);
    const size_t below = slide_.levels.size() - 1 + made.size();
    auto next = made.begin();
    for (size_t i = 0; i < slide_.levels.size(); ++i) {
      write_copied(i, below);
      for (; next != made.end() && next->from == i; ++next) write_made(*next, encoder, spool);
    }
    for (size_t i = 0; i < slide_.pictures.size(); ++i) write_picture(i, encoder);
  }

 private:
  SizePx full() const { return slide_.levels.front().size_px; }
  static size_t place_of(size_t from, size_t halvings) { return kSpoolStep * from + halvings; }

  // The tiles of the levels that are made of one wait in the spool.
  void make_levels(size_t level, const std::vector<MadeLevel>& made, JpegEncoder& encoder,
                   TileSpool& spool) {
    const auto is_made = [&](size_t halvings) {
      return std::ranges::any_of(made, [&](const MadeLevel& each) {
        return each.from == level && each.halvings == halvings;
      });
    };
    if (std::ranges::none_of(made, [&](const MadeLevel& each) { return each.from == level; })) {
      return;
    }
    const SizePx from = slide_.levels[level].size_px;
    Pyramid pyramid(from, kMadeTile, true, [&](size_t halvings, int64_t, const ImageView& tile) {
      if (is_made(halvings)) spool.put(place_of(level, halvings), encoder.encode(tile));
    });
    Image tile(kMadeTile, kMadeTile, 3);
    for (int64_t y = 0; y < from.height; y += kMadeTile) {
      for (int64_t x = 0; x < from.width; x += kMadeTile) {
        const RectPx rect =
            intersect({x, y, kMadeTile, kMadeTile}, {0, 0, from.width, from.height});
        const MutableImageView part = crop(tile.view(), {0, 0, rect.width, rect.height});
        slide_.fill(level, rect, part);
        pyramid.add(rect, part);
      }
    }
  }

  void write_made(const MadeLevel& level, JpegEncoder& encoder, const TileSpool& spool) {
    begin(level.size_px, {{kMadeTile, kMadeTile}, encoder.tables(), true, 2, 2}, true);
    const size_t place = place_of(level.from, level.halvings);
    for (size_t tile = 0; tile < spool.count(place); ++tile) {
      const std::vector<uint8_t> bytes = spool.get(place, tile);
      file_.write_raw_tile(static_cast<int64_t>(tile), bytes.data(), bytes.size());
    }
    file_.end_level();
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

std::vector<MadeLevel> made_levels(const SlideTiff& slide) {
  std::vector<MadeLevel> made;
  for (size_t i = 0; i < slide.levels.size(); ++i) {
    const std::vector<SizePx> sizes = level_sizes(slide.levels[i].size_px, kMadeTile, true);
    if (i + 1 == slide.levels.size()) {
      for (size_t k = 1; k < sizes.size(); ++k) made.push_back({i, k, sizes[k]});
      continue;
    }
    const int64_t next = slide.levels[i + 1].size_px.width;
    if (sizes.front().width <= kWidestStep * next) continue;
    for (size_t k = 2; k < sizes.size() && 2 * sizes[k].width > 3 * next; k += 2) {
      made.push_back({i, k, sizes[k]});
    }
  }
  return made;
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
