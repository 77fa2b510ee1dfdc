// SPDX-License-Identifier: Apache-2.0
// The order in which regions are read so that few tiles are live at a time; no I/O.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lamella/slide/slide_info.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

// A permutation of [0, regions). The level is cut into vertical strips, as wide as `tile_budget`
// tiles allow for the regions' height in tiles (one strip if possible); within a strip regions go
// by the tile row of their top, then by tile column. A tile row is thus finished before the rows
// below it are begun.
std::vector<uint32_t> order_regions(const LevelInfo& level, std::span<const RectPx> regions,
                                    int64_t tile_budget);

}  // namespace lamella::slide
