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

namespace lamella::tissue {

class MemorySlide final : public slide::Slide {
 public:
  // Tiles of 64 px; the tiles in `corrupt` (of level 0) cannot be decoded.
  MemorySlide(std::vector<Image> levels, std::optional<Mpp> mpp,
              std::set<std::pair<int64_t, int64_t>> corrupt = {})
      : Slide(describe(levels, mpp)), levels_(std::move(levels)), corrupt_(std::move(corrupt)) {}

  std::unique_ptr<slide::TileDecoder> make_decoder() const override {
    return std::make_unique<slide::TileDecoder>();
  }

  void read_tile(int level, slide::TileIndex tile, slide::TileDecoder&,
                 const MutableImageView& out) const override {
    if (level == 0 && corrupt_.contains({tile.column, tile.row})) {
      throw Error(ErrorCode::kCorrupt, "this tile is damaged", info_.path);
    }
    const Image& image = levels_[static_cast<size_t>(level)];
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < 3 * out.width; ++x) {
        const int64_t py = tile.row * kTilePx + y, px = tile.column * kTilePx * 3 + x;
        const bool inside = py < image.height() && px < int64_t{3} * image.width();
        out.row(y)[x] = inside ? image.row(static_cast<int>(py))[px] : 255;
      }
    }
  }

  Image read_associated_image(const std::string& name) const override {
    throw Error(ErrorCode::kNotFound, name);
  }

  const Image& level(size_t i) const { return levels_[i]; }

 private:
  static constexpr int64_t kTilePx = 64;

  static slide::SlideInfo describe(const std::vector<Image>& levels, std::optional<Mpp> mpp) {
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
      info.levels.push_back(level);
    }
    return info;
  }

  std::vector<Image> levels_;
  std::set<std::pair<int64_t, int64_t>> corrupt_;
};

}  // namespace lamella::tissue
