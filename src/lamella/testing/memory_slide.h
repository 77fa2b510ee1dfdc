// SPDX-License-Identifier: Apache-2.0
// A slide in memory, for tests: its levels are images.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/slide/slide.h"

namespace lamella::test {

class MemorySlide final : public slide::Slide {
 public:
  // Tiles of 64 px; the tiles in `corrupt` (of level 0) cannot be decoded. Tiles can be had at a
  // reduced size, each pixel the mean of those it stands for, down to 1 / max_reduction.
  MemorySlide(std::vector<Image> levels, std::optional<Mpp> mpp,
              std::set<std::pair<int64_t, int64_t>> corrupt = {}, int max_reduction = 1)
      : Slide(describe(levels, mpp, max_reduction)),
        levels_(std::move(levels)),
        corrupt_(std::move(corrupt)) {}

  std::unique_ptr<slide::TileDecoder> make_decoder() const override {
    return std::make_unique<slide::TileDecoder>();
  }

  void read_tile(int level, slide::TileIndex tile, slide::TileDecoder&,
                 const MutableImageView& out) const override {
    if (level == 0 && corrupt_.contains({tile.column, tile.row})) {
      throw Error(ErrorCode::kCorrupt, "this tile is damaged", info_.path);
    }
    const Image& image = levels_[static_cast<size_t>(level)];
    const int64_t r = kTilePx / out.width;
    for (int y = 0; y < out.height; ++y) {
      for (int i = 0; i < 3 * out.width; ++i) {
        const int64_t top = tile.row * kTilePx + y * r, left = tile.column * kTilePx + i / 3 * r;
        out.row(y)[i] = mean(image, left, top, r, i % 3);
      }
    }
  }

  Image read_associated_image(const std::string& name) const override {
    throw Error(ErrorCode::kNotFound, name);
  }

  const Image& level(size_t i) const { return levels_[i]; }

 private:
  static constexpr int64_t kTilePx = 64;

  // Rounded half up; white outside.
  static uint8_t mean(const Image& image, int64_t left, int64_t top, int64_t r, int channel) {
    int64_t sum = 0;
    for (int64_t y = top; y < top + r; ++y) {
      for (int64_t x = left; x < left + r; ++x) {
        const bool inside = y < image.height() && x < image.width();
        sum += inside ? image.row(static_cast<int>(y))[3 * x + channel] : 255;
      }
    }
    return static_cast<uint8_t>((2 * sum + r * r) / (2 * r * r));
  }

  static slide::SlideInfo describe(const std::vector<Image>& levels, std::optional<Mpp> mpp,
                                   int max_reduction) {
    slide::SlideInfo info;
    info.path = "memory.tif";
    info.format = "memory";
    info.mpp = mpp;
    if (mpp) info.mpp_source = slide::MppSource::kUser;
    for (const Image& image : levels) {
      slide::LevelInfo level;
      level.size_px = {image.width(), image.height()};
      level.downsample_x = double(levels.front().width()) / image.width();
      level.downsample_y = double(levels.front().height()) / image.height();
      level.tile_px = {kTilePx, kTilePx};
      level.compression = "none";
      level.max_reduction = max_reduction;
      info.levels.push_back(level);
    }
    return info;
  }

  std::vector<Image> levels_;
  std::set<std::pair<int64_t, int64_t>> corrupt_;
};

}  // namespace lamella::test
