// SPDX-License-Identifier: Apache-2.0
// Tiles as they are stored, for copying without decoding.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lamella/slide/slide.h"

namespace lamella::slide {

// JPEG tiles of a level.
struct StoredTiles {
  std::vector<uint8_t> tables;  // tables-only stream; empty if each tile has its own
  bool ycbcr = true;            // what the file says of the colours; else RGB
  int subsampling_x = 1, subsampling_y = 1;
};

// What a slide whose backend knows its bytes offers beside its pixels.
class StoredTileSource {
 public:
  virtual ~StoredTileSource() = default;
  // nullopt: the level's tiles cannot be copied (another coding, strips, separate planes).
  virtual std::optional<StoredTiles> stored_tiles(int level) const = 0;
  // Its bytes, empty if the file leaves the tile out; only where stored_tiles() says how.
  virtual std::vector<uint8_t> read_stored_tile(int level, TileIndex tile) const = 0;
  // The colour profile, empty if the file has none.
  virtual std::vector<uint8_t> icc_profile() const = 0;
};

// nullptr if the slide's backend knows pixels alone.
const StoredTileSource* stored_tiles_of(const Slide& slide);

}  // namespace lamella::slide
