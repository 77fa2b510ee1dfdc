// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/slide/decode_tiff_internal.h"
#include "lamella/slide/tiff_slide_internal.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

// Whether `size` can be `full` reduced by one factor, each side rounded up or down.
bool same_proportions(const SizePx& full, const SizePx& size) {
  const auto low = [](int64_t whole, int64_t part) { return double(whole) / double(part + 1); };
  const auto high = [](int64_t whole, int64_t part) {
    return part > 1 ? double(whole) / double(part - 1) : double(whole) * 2;
  };
  constexpr double kTolerance = 1.01;
  return low(full.width, size.width) <= kTolerance * high(full.height, size.height) &&
         low(full.height, size.height) <= kTolerance * high(full.width, size.width);
}

// Reading so many bytes in vain costs less than another request.
constexpr int64_t kMergeGapBytes = 64 << 10;

// Whether `out` is a tile's size, or that at a reduction which the level offers.
bool is_tile_size(const LevelInfo& level, const MutableImageView& out) {
  for (int r = 1; r <= level.max_reduction; r *= 2) {
    if (out.width * int64_t{r} == level.tile_px.width &&
        out.height * int64_t{r} == level.tile_px.height) {
      return out.channels == 3;
    }
  }
  return false;
}

class TiffSlide final : public Slide {
 public:
  TiffSlide(std::shared_ptr<const TiffFile> file, TiffLayout layout, SlideInfo info)
      : Slide(std::move(info)), file_(std::move(file)), layout_(std::move(layout)) {}

  std::unique_ptr<TileDecoder> make_decoder() const override {
    return std::make_unique<TiffTileDecoder>();
  }

  void read_tile(int level, TileIndex tile, TileDecoder& decoder,
                 const MutableImageView& out) const override {
    read_tile_part(level, tile, {0, 0, out.width, out.height}, decoder, out);
  }

  void read_tile_part(int level, TileIndex tile, const RectPx& part, TileDecoder& decoder,
                      const MutableImageView& out) const override {
    require_level(info_, level);
    const size_t directory = layout_.levels[static_cast<size_t>(level)];
    const TiffDirectory& facts = file_->directories[directory];
    const bool inside =
        tile.column >= 0 && tile.column < facts.columns && tile.row >= 0 && tile.row < facts.rows;
    const bool all = part == RectPx{0, 0, out.width, out.height};
    const bool part_fits = !part.empty() && intersect(part, {0, 0, out.width, out.height}) == part;
    if (!inside || !part_fits || !is_tile_size(info_.levels[static_cast<size_t>(level)], out)) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("level {}: tile {},{} of {} x {} asked for into {} x {} x {} px",
                              level, tile.column, tile.row, facts.columns, facts.rows, out.width,
                              out.height, out.channels),
                  info_.path);
    }
    decode(directory, fmt::format("level {}", level), tile, dynamic_cast<TiffTileDecoder&>(decoder),
           out, all ? RectPx{} : part);
  }

  void will_need(int level, std::span<const TileIndex> tiles) const override {
    const size_t directory = layout_.levels.at(static_cast<size_t>(level));
    for (const auto& [offset, bytes] : merged_ranges(*file_, directory, tiles, kMergeGapBytes)) {
      file_->source->will_need(offset, bytes);
    }
  }

  void require_unchanged() const override { file_->source->require_unchanged(); }

  Image read_associated_image(const std::string& name) const override {
    const auto found = layout_.associated.find(name);
    if (found == layout_.associated.end()) {
      throw Error(ErrorCode::kNotFound, fmt::format("has no associated image '{}'", name),
                  info_.path);
    }
    const TiffDirectory& facts = file_->directories[found->second];
    const std::string place = fmt::format("associated image '{}'", name);
    if (const std::string reason = unsupported_reason(facts); !reason.empty()) {
      throw Error(ErrorCode::kUnsupported, place + " has " + reason, info_.path);
    }
    Image image(static_cast<int>(facts.size_px.width), static_cast<int>(facts.size_px.height));
    Image tile(static_cast<int>(facts.tile_px.width), static_cast<int>(facts.tile_px.height));
    TiffTileDecoder decoder;
    const RectPx whole = {0, 0, facts.size_px.width, facts.size_px.height};
    for (int64_t row = 0; row < facts.rows; ++row) {
      for (int64_t column = 0; column < facts.columns; ++column) {
        decode(found->second, place, {column, row}, decoder, tile.view());
        const RectPx part = intersect(
            whole, {column * tile.width(), row * tile.height(), tile.width(), tile.height()});
        copy_pixels(crop(tile.view(), {0, 0, part.width, part.height}), crop(image.view(), part));
      }
    }
    return image;
  }

 private:
  // The one place that adds file, level and tile to a decoder's words.
  void decode(size_t directory, const std::string& place, TileIndex tile, TiffTileDecoder& decoder,
              const MutableImageView& out, const RectPx& part = {}) const {
    try {
      decode_tiff_tile(*file_, directory, tile, decoder, out, part);
    } catch (const Error& error) {
      throw Error(error.code(),
                  fmt::format("{}, tile {},{} (column,row) cannot be read: {}", place, tile.column,
                              tile.row, error.message()),
                  info_.path);
    }
  }

  std::shared_ptr<const TiffFile> file_;
  TiffLayout layout_;
};

}  // namespace

std::vector<size_t> pyramid_levels(const TiffFile& file) {
  std::vector<size_t> levels = {0};
  const TiffDirectory& first = file.directories.front();
  for (size_t i = 1; i < file.directories.size(); ++i) {
    const TiffDirectory& directory = file.directories[i];
    const SizePx& last = file.directories[levels.back()].size_px;
    const SizePx& size = directory.size_px;
    const bool smaller = size.width <= last.width && size.height <= last.height && !(size == last);
    if (directory.tiled == first.tiled && smaller && same_proportions(first.size_px, size)) {
      levels.push_back(i);
    }
  }
  return levels;
}

std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory) {
  const double um_per_unit = directory.resolution_unit == RESUNIT_CENTIMETER ? 10000.0
                             : directory.resolution_unit == RESUNIT_INCH     ? 25400.0
                                                                             : 0.0;
  if (um_per_unit == 0 || !(directory.x_resolution > 0) || !(directory.y_resolution > 0)) return {};
  return Mpp{um_per_unit / directory.x_resolution, um_per_unit / directory.y_resolution};
}

std::shared_ptr<const Slide> make_tiff_slide(const Candidate& candidate, TiffLayout layout,
                                             SlideInfo info) {
  info.path = candidate.path();
  info.backend = "lamella";
  info.fingerprint = io::fingerprint(*candidate.source);
  const std::vector<TiffDirectory>& directories = candidate.tiff->directories;
  const SizePx full = directories[layout.levels.front()].size_px;
  for (const size_t index : layout.levels) {
    const TiffDirectory& directory = directories[index];
    if (const std::string reason = unsupported_reason(directory); !reason.empty()) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("level {} (TIFF directory {}) has {}", info.levels.size(), index, reason),
          info.path);
    }
    const std::string compression = compression_name(directory.compression);
    info.levels.push_back({directory.size_px, double(full.width) / double(directory.size_px.width),
                           double(full.height) / double(directory.size_px.height),
                           directory.tile_px, compression,
                           max_reduction(*candidate.tiff, directory), compression != "jpeg2000"});
  }
  for (const auto& [name, index] : layout.associated) info.associated_images.push_back(name);
  return std::make_shared<TiffSlide>(candidate.tiff, std::move(layout), std::move(info));
}

}  // namespace lamella::slide
