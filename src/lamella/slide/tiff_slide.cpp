// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "lamella/base/error.h"
#include "lamella/slide/box_filter_internal.h"
#include "lamella/slide/decode_tiff_internal.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/icc_profile_internal.h"
#include "lamella/slide/stored_tiles.h"
#include "lamella/slide/tiff_slide_internal.h"
#include "lamella/slide/tile_geometry_internal.h"

namespace lamella::slide {

namespace {

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

// Sampling factors of the first component, from the frame header of a JPEG stream (ITU T.81,
// B.2.2); false if it has none for three components.
bool read_sampling(const std::vector<uint8_t>& jpeg, StoredTiles* stored) {
  for (size_t at = 2; at + 4 <= jpeg.size() && jpeg[at] == 0xff;) {
    const int marker = jpeg[at + 1];
    const size_t length = static_cast<size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3];
    if (marker >= 0xc0 && marker <= 0xc2) {
      if (at + 12 > jpeg.size() || jpeg[at + 9] != 3) return false;
      stored->subsampling_x = jpeg[at + 11] >> 4;
      stored->subsampling_y = jpeg[at + 11] & 15;
      const auto known = [](int factor) { return factor == 1 || factor == 2 || factor == 4; };
      return known(stored->subsampling_x) && known(stored->subsampling_y);
    }
    at += 2 + length;
  }
  return false;
}

class TiffSlide final : public Slide, public StoredTileSource {
 public:
  TiffSlide(std::shared_ptr<const TiffFile> file, TiffParts parts, SlideInfo info)
      : Slide(std::move(info)), file_(std::move(file)), parts_(std::move(parts)) {}

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
    const TiffLevel& source = parts_.levels[static_cast<size_t>(level)];
    const TiffDirectory& facts = source.facts(*file_);
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
    const auto number = static_cast<size_t>(tile.row * facts.columns + tile.column);
    if (level > 0 && parts_.renders_holes && facts.byte_counts[number] == 0) {
      return render_from_finer(level, tile, out);
    }
    decode(source, fmt::format("level {}", level), tile, dynamic_cast<TiffTileDecoder&>(decoder),
           out, all ? RectPx{} : part);
  }

  void will_need(int level, std::span<const TileIndex> tiles) const override {
    for (const size_t directory : parts_.levels.at(static_cast<size_t>(level)).directories) {
      for (const auto& [offset, bytes] : merged_ranges(*file_, directory, tiles, kMergeGapBytes)) {
        file_->source->will_need(offset, bytes);
      }
    }
  }

  std::unique_ptr<io::ReadPlan> plan_reads(int level,
                                           std::span<const TileIndex> tiles) const override {
    if (!file_->source->is_remote()) return nullptr;
    const TiffLevel& source = parts_.levels.at(static_cast<size_t>(level));
    return file_->source->plan_reads(stored_ranges(*file_, source.directories, tiles));
  }

  void require_unchanged() const override { file_->source->require_unchanged(); }

  std::optional<StoredTiles> stored_tiles(int level) const override {
    require_level(info_, level);
    const TiffLevel& source = parts_.levels[static_cast<size_t>(level)];
    const TiffDirectory& facts = source.facts(*file_);
    const bool colours =
        facts.photometric == PHOTOMETRIC_YCBCR || facts.photometric == PHOTOMETRIC_RGB;
    if (source.directories.size() != 1 || facts.compression != COMPRESSION_JPEG || !facts.tiled ||
        facts.samples != 3 || facts.planar != PLANARCONFIG_CONTIG || !colours) {
      return std::nullopt;
    }
    StoredTiles stored{facts.jpeg_tables, facts.photometric == PHOTOMETRIC_YCBCR, 1, 1};
    for (int64_t row = 0; row < facts.rows; ++row) {
      for (int64_t column = 0; column < facts.columns; ++column) {
        const std::vector<uint8_t> bytes = read_stored_tile(level, {column, row});
        if (bytes.empty()) continue;
        if (!read_sampling(bytes, &stored)) return std::nullopt;
        return stored;
      }
    }
    return std::nullopt;
  }

  std::vector<uint8_t> read_stored_tile(int level, TileIndex tile) const override {
    const TiffDirectory& facts = parts_.levels[static_cast<size_t>(level)].facts(*file_);
    const auto number = static_cast<size_t>(tile.row * facts.columns + tile.column);
    std::vector<uint8_t> bytes(static_cast<size_t>(facts.byte_counts.at(number)));
    if (!bytes.empty()) {
      file_->source->read_at(static_cast<int64_t>(facts.offsets.at(number)),
                             std::as_writable_bytes(std::span(bytes)));
    }
    return bytes;
  }

  std::vector<uint8_t> icc_profile() const override {
    return parts_.levels.front().facts(*file_).icc;
  }

  Image read_associated_image(const std::string& name) const override {
    const auto found = parts_.associated.find(name);
    if (found == parts_.associated.end()) {
      throw Error(ErrorCode::kNotFound, fmt::format("has no associated image '{}'", name),
                  info_.path);
    }
    const TiffDirectory& facts = file_->directories[found->second];
    const std::string place = fmt::format("associated image '{}'", name);
    if (const std::string reason = unsupported_reason(facts); !reason.empty()) {
      throw Error(ErrorCode::kUnsupported, place + " has " + reason, info_.path);
    }
    try {
      return read_level_part(*file_, {{found->second}},
                             {0, 0, facts.size_px.width, facts.size_px.height});
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{} cannot be read: {}", place, error.message()),
                  info_.path);
    }
  }

 private:
  // The one place that adds file, level and tile to a decoder's words.
  void decode(const TiffLevel& level, const std::string& place, TileIndex tile,
              TiffTileDecoder& decoder, const MutableImageView& out, const RectPx& part) const {
    try {
      decode_level_tile(*file_, level, tile, decoder, out, part);
    } catch (const Error& error) {
      throw Error(error.code(),
                  fmt::format("{}, tile {},{} (column,row) cannot be read: {}", place, tile.column,
                              tile.row, error.message()),
                  info_.path);
    }
  }

  // A tile of a reduced level that the file leaves out, as the mean of the finer level's pixels.
  void render_from_finer(int level, TileIndex tile, const MutableImageView& out) const {
    const LevelInfo& facts = info_.levels[static_cast<size_t>(level)];
    const LevelInfo& finer = info_.levels[static_cast<size_t>(level - 1)];
    const RectPx place =
        intersect(tile_rect(facts, tile), {0, 0, facts.size_px.width, facts.size_px.height});
    const int64_t reduction = facts.tile_px.width / out.width;
    const SizePx to = {std::max<int64_t>(1, place.width / reduction),
                       std::max<int64_t>(1, place.height / reduction)};
    const auto edge = [](int64_t at, int64_t from, int64_t full) {
      return std::llround(static_cast<double>(at) * static_cast<double>(full) /
                          static_cast<double>(from));
    };
    const int64_t left = edge(place.x, facts.size_px.width, finer.size_px.width);
    const int64_t top = edge(place.y, facts.size_px.height, finer.size_px.height);
    const SizePx from = {edge(place.right(), facts.size_px.width, finer.size_px.width) - left,
                         edge(place.bottom(), facts.size_px.height, finer.size_px.height) - top};
    BoxFilter filter(from, to);
    for (int64_t y = 0; y < from.height; y += finer.tile_px.height) {
      const int64_t rows = std::min(finer.tile_px.height, from.height - y);
      filter.add_rows(read_region(*this, level - 1, {left, top + y, from.width, rows}).view());
    }
    fill_pixels(out, 255);
    copy_pixels(filter.take().view(), crop(out, {0, 0, to.width, to.height}));
  }

  std::shared_ptr<const TiffFile> file_;
  TiffParts parts_;
};

// The directory whose first tile tells of this one's tiles. Over a network it is the finest level's
// for all that are stored alike, for each look is a request.
const TiffDirectory& sample_of(const TiffFile& file, const TiffDirectory& finest,
                               const TiffDirectory& directory) {
  const auto storage = [](const TiffDirectory& of) {
    return std::tuple(of.compression, of.photometric, of.bits, of.samples, of.planar, of.tiled);
  };
  return file.source->is_remote() && storage(finest) == storage(directory) ? finest : directory;
}

void require_decodable(const TiffFile& file, const TiffLevel& level, const TiffDirectory& finest,
                       const SlideInfo& info) {
  for (const size_t index : level.directories) {
    const TiffDirectory& directory = file.directories[index];
    std::string reason = unsupported_reason(directory);
    if (reason.empty()) reason = unsupported_tiles(file, sample_of(file, finest, directory));
    if (reason.empty()) continue;
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("level {} (TIFF directory {}) has {}", info.levels.size(), index, reason),
        info.path);
  }
}

// Tiles that the file leaves out, and a wish to turn the picture, which nobody else heeds either.
void warn_of_oddities(const TiffFile& file, const TiffParts& parts, SlideInfo& info) {
  for (size_t level = 0; level < parts.levels.size(); ++level) {
    const TiffDirectory& facts = parts.levels[level].facts(file);
    const auto holes = std::ranges::count(facts.byte_counts, uint64_t{0});
    if (holes == 0) continue;
    info.warnings.push_back(fmt::format(
        "level {}: {} of {} tiles are left out by the file and {}", level, holes,
        facts.byte_counts.size(),
        level > 0 && parts.renders_holes ? "are made of the finer level" : "are shown white"));
  }
  if (parts.levels.front().facts(file).resolution_unit == kUnknownUnit) {
    info.warnings.push_back("the unit of its resolution is none that TIFF knows; it is left out");
  }
  const int orientation = parts.levels.front().facts(file).orientation;
  if (orientation > 1) {
    info.warnings.push_back(fmt::format(
        "its orientation tag ({}) asks for a turned or mirrored picture; it is shown as stored",
        orientation));
  }
}

}  // namespace

const StoredTileSource* stored_tiles_of(const Slide& slide) {
  return dynamic_cast<const StoredTileSource*>(&slide);
}

std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory) {
  const double um_per_unit = directory.resolution_unit == RESUNIT_CENTIMETER ? 10000.0
                             : directory.resolution_unit == RESUNIT_INCH     ? 25400.0
                                                                             : 0.0;
  if (um_per_unit == 0 || !(directory.x_resolution > 0) || !(directory.y_resolution > 0)) return {};
  return Mpp{um_per_unit / directory.x_resolution, um_per_unit / directory.y_resolution};
}

std::shared_ptr<const Slide> make_tiff_slide(const Candidate& candidate, TiffParts parts,
                                             SlideInfo info) {
  const TiffFile& file = *candidate.tiff;
  info.path = candidate.path();
  info.backend = "lamella";
  info.fingerprint = io::fingerprint(*candidate.source);
  // What was made of one image must not pass as another's.
  if (info.image > 0) info.fingerprint += fmt::format("/image{}", info.image);
  const TiffDirectory& first = parts.levels.front().facts(file);
  const SizePx full = first.size_px;
  for (const TiffLevel& level : parts.levels) {
    require_decodable(file, level, first, info);
    const TiffDirectory& directory = level.facts(file);
    const std::string compression = compression_name(directory.compression);
    const int reduction = level.directories.size() > 1
                              ? 1
                              : max_reduction(file, directory, sample_of(file, first, directory));
    info.levels.push_back({directory.size_px, double(full.width) / double(directory.size_px.width),
                           double(full.height) / double(directory.size_px.height),
                           directory.tile_px, compression, reduction, compression != "jpeg2000"});
  }
  for (const auto& [name, index] : parts.associated) info.associated_images.push_back(name);
  info.icc = describe_icc(first.icc);
  warn_of_oddities(file, parts, info);
  doubt_mpp(info);
  for (std::string& warning : candidate.source->warnings()) {
    info.warnings.push_back(std::move(warning));
  }
  return std::make_shared<TiffSlide>(candidate.tiff, std::move(parts), std::move(info));
}

}  // namespace lamella::slide
