// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/slide.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

Image read_region(const Slide& slide, int level, const RectPx& rect) {
  const LevelInfo& facts = require_level(slide.info(), level);
  require_region(slide.info(), rect);
  Image image(static_cast<int>(rect.width), static_cast<int>(rect.height));
  whiten_outside(facts, rect, image.view());

  Image pixels(static_cast<int>(facts.tile_px.width), static_cast<int>(facts.tile_px.height));
  const auto decoder = slide.make_decoder();
  const TileRange tiles = tiles_of(facts, rect);
  std::vector<TileIndex> wanted;
  for (int64_t row = tiles.row0; row < tiles.row1; ++row) {
    for (int64_t column = tiles.column0; column < tiles.column1; ++column) {
      wanted.push_back({column, row});
    }
  }
  slide.will_need(level, wanted);
  for (const TileIndex& tile : wanted) {
    slide.read_tile(level, tile, *decoder, pixels.view());
    copy_tile_part(facts, tile, pixels.view(), rect, image.view());
  }
  return image;
}

}  // namespace lamella::slide
