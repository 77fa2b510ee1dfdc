// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <utility>

#include "lamella/imagefile/pyramid_internal.h"

namespace lamella::imagefile {

std::vector<SizePx> level_sizes(SizePx size, int tile_px, bool pyramid) {
  std::vector<SizePx> sizes = {size};
  while (pyramid && (sizes.back().width > tile_px || sizes.back().height > tile_px)) {
    sizes.push_back(halved(sizes.back()));
  }
  return sizes;
}

namespace {

template <int kChannels>
void halve(const ImageView& from, const MutableImageView& out) {
  const int pairs = from.width / 2;
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* top = from.row(2 * y);
    const uint8_t* bottom = from.row(std::min(2 * y + 1, from.height - 1));
    uint8_t* to = out.row(y);
    for (int x = 0; x < pairs; ++x) {
      for (int c = 0; c < kChannels; ++c) {
        const int i = 2 * x * kChannels + c, j = i + kChannels;
        to[x * kChannels + c] =
            static_cast<uint8_t>((top[i] + top[j] + bottom[i] + bottom[j] + 2) / 4);
      }
    }
    if (pairs == out.width) continue;
    for (int c = 0; c < kChannels; ++c) {
      const int i = 2 * pairs * kChannels + c;
      to[pairs * kChannels + c] = static_cast<uint8_t>((top[i] + bottom[i] + 1) / 2);
    }
  }
}

}  // namespace

void halve_pixels(const ImageView& from, const MutableImageView& out) {
  if (from.channels == 1) return halve<1>(from, out);
  return halve<3>(from, out);
}

void repeat_edges(const MutableImageView& tile, int width, int height) {
  const int n = tile.channels;
  for (int y = 0; y < height && width < tile.width; ++y) {
    uint8_t* row = tile.row(y);
    for (int x = width; x < tile.width; ++x) std::memcpy(row + x * n, row + (width - 1) * n, n);
  }
  for (int y = height; y < tile.height; ++y) {
    std::memcpy(tile.row(y), tile.row(height - 1), static_cast<size_t>(tile.width) * n);
  }
}

Pyramid::Pyramid(SizePx size, int tile_px, bool pyramid, Sink sink)
    : tile_px_(tile_px),
      sink_(std::move(sink)),
      levels_(level_sizes(size, tile_px, pyramid)),
      bands_(levels_.size()),
      tile_(tile_px, tile_px, 3) {
  for (size_t level = 1; level < levels_.size(); ++level) {
    bands_[level] = Image(static_cast<int>(levels_[level].width), tile_px, 3);
  }
}

void Pyramid::add(const RectPx& rect_px, const ImageView& tile) {
  if (levels_.size() == 1) return;
  reduce_into(1, rect_px, tile);
  if (rect_px.right() == levels_[0].width) finish_row(0, rect_px.y / tile_px_);
}

void Pyramid::reduce_into(size_t level, const RectPx& finer_rect, const ImageView& finer) {
  // Tile sides are even, so a coarser pixel's children always lie in one finer tile.
  const RectPx target = {finer_rect.x / 2, finer_rect.y / 2 % tile_px_, (finer_rect.width + 1) / 2,
                         (finer_rect.height + 1) / 2};
  halve_pixels(finer, crop(bands_[level].view(), target));
}

void Pyramid::finish_row(size_t finer_level, int64_t finer_row) {
  const size_t level = finer_level + 1;
  if (level == levels_.size()) return;
  const int64_t finer_rows = tiles_across(levels_[finer_level].height, tile_px_);
  if (finer_row % 2 == 0 && finer_row + 1 < finer_rows) return;

  const int64_t row = finer_row / 2, y = row * tile_px_;
  const SizePx size = levels_[level];
  const int64_t columns = tiles_across(size.width, tile_px_);
  for (int64_t column = 0; column < columns; ++column) {
    const int64_t x = column * tile_px_;
    const RectPx rect = {x, y, std::min<int64_t>(tile_px_, size.width - x),
                         std::min<int64_t>(tile_px_, size.height - y)};
    const ImageView part =
        crop(ImageView(bands_[level].view()), {rect.x, 0, rect.width, rect.height});
    copy_pixels(part, crop(tile_.view(), {0, 0, rect.width, rect.height}));
    repeat_edges(tile_.view(), part.width, part.height);
    sink_(level, row * columns + column, tile_.view());
    if (level + 1 < levels_.size()) reduce_into(level + 1, rect, part);
  }
  finish_row(level, row);
}

}  // namespace lamella::imagefile
