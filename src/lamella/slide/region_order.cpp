// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <tuple>

#include "lamella/slide/region_order_internal.h"

namespace lamella::slide {

std::vector<uint32_t> order_regions(const LevelInfo& level, std::span<const RectPx> regions,
                                    int64_t tile_budget) {
  int64_t tallest = 1, widest = 1;  // in tiles
  for (const RectPx& region : regions) {
    const TileRange tiles = tiles_of(level, region);
    if (tiles.empty()) continue;
    tallest = std::max(tallest, tiles.row1 - tiles.row0);
    widest = std::max(widest, tiles.column1 - tiles.column0);
  }
  // A strip holds the tiles of the regions that start in it: its own columns and those that its
  // last regions reach into.
  const int64_t strip = std::max<int64_t>(1, tile_budget / (tallest + 1) - (widest - 1));

  struct Key {
    int64_t strip, row, column, y, x;
    auto tie() const { return std::tie(strip, row, column, y, x); }
  };
  std::vector<Key> keys;
  keys.reserve(regions.size());
  for (const RectPx& region : regions) {
    const TileRange tiles = tiles_of(level, region);
    keys.push_back({tiles.column0 / strip, tiles.row0, tiles.column0, region.y, region.x});
  }
  std::vector<uint32_t> order(regions.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return std::tuple_cat(keys[a].tie(), std::tie(a)) < std::tuple_cat(keys[b].tie(), std::tie(b));
  });
  return order;
}

}  // namespace lamella::slide
