// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/slide/box_filter_internal.h"
#include "lamella/slide/tiff_picture_internal.h"

namespace lamella::slide {

namespace {

constexpr int64_t kWindowPx = 64;      // of the coarser level
constexpr int64_t kMostFinePx = 1024;  // what a window may take of the finer one
constexpr double kLeastCorrelation = 0.7;
constexpr double kFlat = 4;             // mean deviation, grey levels
constexpr double kMostDifference = 12;  // of flat windows

// Windows where there is something to see: in the tile with the most bytes, in the middle, and a
// quarter from the left.
std::vector<RectPx> windows(const TiffDirectory& facts, const SizePx& size) {
  const auto& counts = facts.byte_counts;
  const int64_t most = std::ranges::max_element(counts) - counts.begin();
  const int64_t tile = most % (facts.columns * facts.rows);
  const SizePx& full = facts.size_px;
  const auto around = [&](int64_t x, int64_t y) {
    return RectPx{std::clamp<int64_t>(x - size.width / 2, 0, full.width - size.width),
                  std::clamp<int64_t>(y - size.height / 2, 0, full.height - size.height),
                  size.width, size.height};
  };
  const int64_t column = tile % facts.columns, row = tile / facts.columns;
  return {around(column * facts.tile_px.width + facts.tile_px.width / 2,
                 row * facts.tile_px.height + facts.tile_px.height / 2),
          around(full.width / 2, full.height / 2), around(full.width / 4, full.height / 2)};
}

Image reduce(const Image& image, const SizePx& to) {
  BoxFilter filter({image.width(), image.height()}, to);
  filter.add_rows(image.view());
  return filter.take();
}

// Sums over pairs of samples.
struct Pairs {
  double count = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0, difference = 0;
  void add(const Image& left, const Image& right) {
    const auto x = left.bytes(), y = right.bytes();
    for (size_t i = 0; i < x.size(); ++i) {
      const double p = x[i], q = y[i];
      count += 1;
      a += p, b += q, aa += p * p, bb += q * q, ab += p * q;
      difference += std::abs(p - q);
    }
  }
  bool alike() const {
    if (count == 0) return false;
    const double va = aa / count - a / count * a / count, vb = bb / count - b / count * b / count;
    const double covariance = ab / count - a / count * b / count;
    if (std::sqrt(std::max(va, vb)) < kFlat) return difference / count < kMostDifference;
    return covariance >= kLeastCorrelation * std::sqrt(std::max(0.0, va) * std::max(0.0, vb)) &&
           va > 0 && vb > 0;
  }
};

}  // namespace

void decode_level_tile(const TiffFile& file, const TiffLevel& level, TileIndex tile,
                       TiffTileDecoder& decoder, const MutableImageView& out, const RectPx& part) {
  if (level.directories.size() == 1) {
    return decode_tiff_tile(file, level.directories.front(), tile, decoder, out, part);
  }
  decoder.channel.resize(static_cast<size_t>(out.width) * static_cast<size_t>(out.height) * 3);
  const MutableImageView grey = {decoder.channel.data(), out.width, out.height, 3,
                                 ptrdiff_t{out.width} * 3};
  for (size_t c = 0; c < level.directories.size(); ++c) {
    decode_tiff_tile(file, level.directories[c], tile, decoder, grey, part);
    for (int y = 0; y < out.height; ++y) {
      const uint8_t* from = grey.row(y);
      uint8_t* to = out.row(y) + c;
      for (int x = 0; x < out.width; ++x) to[3 * x] = from[3 * x];
    }
  }
}

Image read_level_part(const TiffFile& file, const TiffLevel& level, const RectPx& rect) {
  const TiffDirectory& facts = level.facts(file);
  const SizePx& tile_px = facts.tile_px;
  Image image(static_cast<int>(rect.width), static_cast<int>(rect.height));
  Image tile(static_cast<int>(tile_px.width), static_cast<int>(tile_px.height));
  TiffTileDecoder decoder;
  for (int64_t row = rect.y / tile_px.height; row * tile_px.height < rect.bottom(); ++row) {
    for (int64_t column = rect.x / tile_px.width; column * tile_px.width < rect.right(); ++column) {
      const RectPx place = {column * tile_px.width, row * tile_px.height, tile_px.width,
                            tile_px.height};
      const RectPx part = intersect(place, rect);
      decode_level_tile(file, level, {column, row}, decoder, tile.view());
      copy_pixels(crop(tile.view(), {part.x - place.x, part.y - place.y, part.width, part.height}),
                  crop(image.view(), {part.x - rect.x, part.y - rect.y, part.width, part.height}));
    }
  }
  return image;
}

bool same_picture(const TiffFile& file, const TiffLevel& fine, const TiffLevel& coarse) {
  const SizePx& full = fine.facts(file).size_px;
  const SizePx& size = coarse.facts(file).size_px;
  const double x = double(full.width) / double(size.width);
  const double y = double(full.height) / double(size.height);
  const auto side = [&](double factor, int64_t most) {
    const auto fitting = static_cast<int64_t>(double(kMostFinePx) / factor);
    return std::clamp<int64_t>(fitting, std::min<int64_t>(4, most), std::min(kWindowPx, most));
  };
  Pairs pairs;
  for (const RectPx& window :
       windows(coarse.facts(file), {side(x, size.width), side(y, size.height)})) {
    const auto left = static_cast<int64_t>(std::floor(double(window.x) * x));
    const auto top = static_cast<int64_t>(std::floor(double(window.y) * y));
    const RectPx area = intersect(
        {left, top,
         std::max<int64_t>(window.width, int64_t{std::llround(double(window.width) * x)}),
         std::max<int64_t>(window.height, int64_t{std::llround(double(window.height) * y)})},
        {0, 0, full.width, full.height});
    if (area.width < window.width || area.height < window.height) continue;
    try {
      pairs.add(reduce(read_level_part(file, fine, area), {window.width, window.height}),
                read_level_part(file, coarse, window));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal) throw;
    }
  }
  return pairs.alike();
}

bool is_bright(const TiffFile& file, const TiffLevel& level) {
  constexpr double kDark = 80;
  const SizePx& size = level.facts(file).size_px;
  double sum = 0, count = 0;
  for (const RectPx& window : windows(level.facts(file), {std::min(kWindowPx, size.width),
                                                          std::min(kWindowPx, size.height)})) {
    const Image part = read_level_part(file, level, window);
    for (const uint8_t value : part.bytes()) sum += value;
    count += double(window.width * window.height * 3);
  }
  return sum > kDark * count;
}

}  // namespace lamella::slide
