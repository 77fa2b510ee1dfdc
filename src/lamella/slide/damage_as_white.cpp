// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/damage_as_white.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/slide/on_damage.h"

namespace lamella::slide {

DamageAsWhite::DamageAsWhite(const Slide& slide) : Slide(slide.info()), slide_(slide) {}

template <typename Read>
void DamageAsWhite::read_or_white(int level, TileIndex tile, const MutableImageView& out,
                                  const Read& read) const {
  try {
    read();
  } catch (const Error& error) {
    if (!is_damage(error.code())) throw;
    for (int y = 0; y < out.height; ++y) std::fill_n(out.row(y), 3 * out.width, uint8_t{255});
    const std::lock_guard lock(mutex_);
    damaged_.try_emplace({level, tile.row, tile.column}, error.message());
  }
}

void DamageAsWhite::read_tile(int level, TileIndex tile, TileDecoder& decoder,
                              const MutableImageView& out) const {
  read_or_white(level, tile, out, [&] { slide_.read_tile(level, tile, decoder, out); });
}

void DamageAsWhite::read_tile_part(int level, TileIndex tile, const RectPx& part,
                                   TileDecoder& decoder, const MutableImageView& out) const {
  read_or_white(level, tile, out, [&] { slide_.read_tile_part(level, tile, part, decoder, out); });
}

std::vector<std::string> DamageAsWhite::warnings() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> sentences;
  for (auto it = damaged_.begin(); it != damaged_.end();) {
    const int level = std::get<0>(it->first);
    const auto end = damaged_.lower_bound({level + 1, 0, 0});
    sentences.push_back(fmt::format(
        "level {}: {} tiles cannot be decoded and count as white in its mask and pictures; the "
        "first: {}",
        level, std::distance(it, end), it->second));
    it = end;
  }
  return sentences;
}

}  // namespace lamella::slide
