// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

constexpr int64_t kMaxCoordinate = int64_t{1} << 40;
constexpr uint8_t kWhite = 255;

RectPx level_rect(const LevelInfo& level) {
  return {0, 0, level.size_px.width, level.size_px.height};
}

RectPx relative(const RectPx& part, const RectPx& frame) {
  return {part.x - frame.x, part.y - frame.y, part.width, part.height};
}

}  // namespace

const LevelInfo& require_level(const SlideInfo& info, int level) {
  if (level < 0 || static_cast<size_t>(level) >= info.levels.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("level {} was asked for; the slide has levels 0 to {}", level,
                            info.levels.size() - 1),
                info.path);
  }
  return info.levels[static_cast<size_t>(level)];
}

void require_region(const SlideInfo& info, const RectPx& region) {
  const auto far = [](int64_t value) { return value < -kMaxCoordinate || value > kMaxCoordinate; };
  if (region.width < 1 || region.height < 1 || region.width > INT32_MAX ||
      region.height > INT32_MAX || far(region.x) || far(region.y)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("a region of {} x {} px at {},{} was asked for; expected sides of at "
                            "least 1 px and coordinates within 2^40",
                            region.width, region.height, region.x, region.y),
                info.path);
  }
}

TileRange tiles_of(const LevelInfo& level, const RectPx& region) {
  const RectPx inside = intersect(region, level_rect(level));
  if (inside.empty()) return {};
  const SizePx& tile = level.tile_px;
  return {inside.x / tile.width, (inside.right() - 1) / tile.width + 1, inside.y / tile.height,
          (inside.bottom() - 1) / tile.height + 1};
}

RectPx tile_rect(const LevelInfo& level, TileIndex tile) {
  return {tile.column * level.tile_px.width, tile.row * level.tile_px.height, level.tile_px.width,
          level.tile_px.height};
}

RectPx part_of_tile(const LevelInfo& level, TileIndex tile, const RectPx& region) {
  const RectPx place = tile_rect(level, tile);
  return relative(intersect(intersect(place, region), level_rect(level)), place);
}

void copy_tile_part(const LevelInfo& level, TileIndex tile, const ImageView& tile_pixels,
                    const RectPx& region, const MutableImageView& out) {
  const RectPx place = tile_rect(level, tile);
  const RectPx part = intersect(intersect(place, region), level_rect(level));
  if (part.empty()) return;
  copy_pixels(crop(tile_pixels, relative(part, place)), crop(out, relative(part, region)));
}

void whiten_outside(const LevelInfo& level, const RectPx& region, const MutableImageView& out) {
  const RectPx inside = intersect(region, level_rect(level));
  if (inside.empty()) return fill_pixels(out, kWhite);
  const RectPx in = relative(inside, region);
  const int64_t width = region.width, below = region.height - in.bottom();
  if (in.y > 0) fill_pixels(crop(out, {0, 0, width, in.y}), kWhite);
  if (below > 0) fill_pixels(crop(out, {0, in.bottom(), width, below}), kWhite);
  if (in.x > 0) fill_pixels(crop(out, {0, in.y, in.x, in.height}), kWhite);
  if (const int64_t right = width - in.right(); right > 0) {
    fill_pixels(crop(out, {in.right(), in.y, right, in.height}), kWhite);
  }
}

}  // namespace lamella::slide
