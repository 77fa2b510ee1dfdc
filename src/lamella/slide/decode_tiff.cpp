// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "lamella/base/error.h"
#include "lamella/slide/decode_deflate_internal.h"
#include "lamella/slide/decode_jpeg2000_internal.h"
#include "lamella/slide/decode_jpeg_internal.h"
#include "lamella/slide/decode_tiff_internal.h"
#include "lamella/slide/decode_webp_internal.h"
#include "lamella/slide/decode_zstd_internal.h"
#include "lamella/slide/predictor_internal.h"
#include "lamella/slide/samples_internal.h"

namespace lamella::slide {

namespace {

constexpr uint8_t kWhite = 255;

void read_stored(const TiffFile& file, uint64_t offset, uint64_t bytes, TiffTileDecoder& decoder) {
  const auto file_bytes = static_cast<uint64_t>(file.source->size());
  if (offset > file_bytes || bytes > file_bytes - offset) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("its {} bytes at offset {} lie beyond the end of the file ({} bytes)",
                            bytes, offset, file_bytes));
  }
  if (bytes > 2 * static_cast<uint64_t>(kMaxTileBytes)) {
    throw Error(ErrorCode::kLimit,
                fmt::format("its {} stored bytes are more than {}", bytes, 2 * kMaxTileBytes));
  }
  decoder.stored.resize(bytes);
  file.source->read_at(static_cast<int64_t>(offset), decoder.stored);
}

bool is_planar(const TiffDirectory& directory) { return directory.planar == PLANARCONFIG_SEPARATE; }

// Whether the decoder of a codec gives RGB at once, so that a tile need not be decoded whole.
bool gives_rgb(const TiffDirectory& directory, const std::string& codec) {
  if (is_planar(directory)) return false;
  if (directory.photometric == PHOTOMETRIC_RGB || directory.photometric == PHOTOMETRIC_YCBCR) {
    return directory.samples == 3 && (codec.starts_with("jpeg") || codec == "webp");
  }
  return directory.photometric == PHOTOMETRIC_MINISBLACK && directory.samples == 1 &&
         codec == "jpeg";
}

JpegColour jpeg_colour(const TiffDirectory& directory) {
  if (directory.photometric == PHOTOMETRIC_MINISBLACK) return JpegColour::kGrey;
  return directory.photometric == PHOTOMETRIC_RGB ? JpegColour::kRgb : JpegColour::kYcbcr;
}

// Aperio tags its YCbCr (33003) as RGB; others mean what they say.
Jpeg2000Colour jpeg2000_colour(const TiffDirectory& directory) {
  constexpr int kAperioYcbcr = 33003, kAperioRgb = 33005;
  if (directory.compression == kAperioRgb) return Jpeg2000Colour::kRgb;
  const bool aperio = directory.description.starts_with("Aperio");
  const bool ycbcr = directory.photometric == PHOTOMETRIC_YCBCR ||
                     (directory.compression == kAperioYcbcr && aperio);
  return ycbcr ? Jpeg2000Colour::kYcbcr : Jpeg2000Colour::kRgb;
}

TiffHandle& handle_for(const TiffFile& file, size_t directory, TiffTileDecoder& decoder) {
  std::unique_ptr<TiffHandle>& handle = decoder.handles[directory];
  if (!handle) {
    auto fresh = std::make_unique<TiffHandle>(file.source);
    if (!TIFFSetSubDirectory(fresh->get(), file.directories[directory].offset)) {
      throw Error(ErrorCode::kCorrupt, fmt::format("TIFF directory {} cannot be read again: {}",
                                                   directory, fresh->first_message()));
    }
    handle = std::move(fresh);
  }
  handle->clear();
  return *handle;
}

// PackBits, LZW and none, with predictors and byte orders, as libtiff undoes them.
void decode_by_libtiff(TiffHandle& handle, const TiffDirectory& directory, uint32_t number,
                       std::span<uint8_t> samples) {
  const auto wanted = static_cast<tmsize_t>(samples.size());
  const tmsize_t got = directory.tiled
                           ? TIFFReadEncodedTile(handle.get(), number, samples.data(), wanted)
                           : TIFFReadEncodedStrip(handle.get(), number, samples.data(), wanted);
  const std::string& cause = handle.first_message();
  if (got != wanted || !cause.empty()) {
    throw Error(
        ErrorCode::kCorrupt,
        fmt::format("damaged {} data: {}", compression_name(directory.compression),
                    cause.empty() ? fmt::format("{} bytes; expected {}", got, wanted) : cause));
  }
}

// A stored tile or strip: where it is, and how it is wanted.
struct Block {
  const TiffFile& file;
  size_t directory;
  size_t number;  // of its first plane
  int rows;       // a last strip has fewer than its tile_px
  int reduction = 1;
  RectPx part = {};
  const TiffDirectory& facts() const { return file.directories[directory]; }
};

// The samples of one plane, or of all if they are stored together, as they are; `out` has the
// block's whole size and as many channels as are stored together.
void decode_plane(const Block& block, size_t number, TiffTileDecoder& decoder,
                  const MutableImageView& out) {
  const TiffDirectory& facts = block.facts();
  const std::string codec = compression_name(facts.compression);
  const size_t row_bytes = static_cast<size_t>(out.width) * static_cast<size_t>(out.channels);
  const std::span<uint8_t> samples(out.data, row_bytes * static_cast<size_t>(block.rows));
  if (codec == "lzw" || codec == "none" || codec == "packbits") {
    return decode_by_libtiff(handle_for(block.file, block.directory, decoder), facts,
                             static_cast<uint32_t>(number), samples);
  }
  read_stored(block.file, facts.offsets[number], facts.byte_counts[number], decoder);
  if (codec == "jpeg") {
    return decode_jpeg({decoder.stored, facts.jpeg_tables, JpegColour::kSamples, block.rows, 1, {}},
                       out);
  }
  const MutableImageView rows = crop(out, {0, 0, out.width, block.rows});
  if (codec == "jpeg2000") {
    return decode_jpeg2000(decoder.stored, Jpeg2000Colour::kSamples, 1, rows);
  }
  if (codec == "webp") return decode_webp(decoder.stored, out.height, rows);
  const size_t most_bytes = row_bytes * static_cast<size_t>(out.height);
  if (codec == "zstd") {
    decode_zstd(decoder.stored, samples, most_bytes);
  } else {
    decode_deflate(decoder.stored, samples, most_bytes);
  }
  if (facts.predictor == PREDICTOR_HORIZONTAL) {
    undo_horizontal_predictor(samples, row_bytes, static_cast<size_t>(out.channels));
  }
}

// By way of samples, of all planes, at full size.
void decode_samples(const Block& block, TiffTileDecoder& decoder, const MutableImageView& out) {
  const TiffDirectory& facts = block.facts();
  const bool as_shown = facts.samples == 3 && facts.photometric == PHOTOMETRIC_RGB &&
                        !is_planar(facts) && out.stride == ptrdiff_t{out.width} * 3;
  if (as_shown) return decode_plane(block, block.number, decoder, out);
  const int planes = is_planar(facts) ? facts.samples : 1;
  const int channels = facts.samples / planes;
  const auto pixels = static_cast<size_t>(out.width) * static_cast<size_t>(out.height);
  const size_t plane_bytes = pixels * static_cast<size_t>(channels);
  decoder.samples.resize(plane_bytes * static_cast<size_t>(planes));
  for (int plane = 0; plane < planes; ++plane) {
    const size_t number = block.number + static_cast<size_t>(plane * facts.columns * facts.rows);
    uint8_t* data = decoder.samples.data() + static_cast<size_t>(plane) * plane_bytes;
    if (facts.byte_counts[number] == 0) {
      std::fill_n(data, plane_bytes, kWhite);
    } else {
      decode_plane(block, number, decoder,
                   {data, out.width, out.height, channels, ptrdiff_t{out.width} * channels});
    }
  }
  convert_samples(facts, decoder.samples, out);
}

// By a decoder that gives RGB, perhaps smaller.
void decode_rgb(const Block& block, TiffTileDecoder& decoder, const MutableImageView& out) {
  const TiffDirectory& facts = block.facts();
  read_stored(block.file, facts.offsets[block.number], facts.byte_counts[block.number], decoder);
  const std::string codec = compression_name(facts.compression);
  if (codec == "jpeg") {
    return decode_jpeg({decoder.stored, facts.jpeg_tables, jpeg_colour(facts), block.rows,
                        block.reduction, block.part},
                       out);
  }
  const MutableImageView rows = crop(out, {0, 0, out.width, block.rows / block.reduction});
  if (codec == "jpeg2000") {
    decode_jpeg2000(decoder.stored, jpeg2000_colour(facts), block.reduction, rows);
  } else {
    decode_webp(decoder.stored, out.height, rows);
  }
}

void whiten_beyond(const SizePx& valid, const MutableImageView& out) {
  if (valid.width < out.width) {
    fill_pixels(crop(out, {valid.width, 0, out.width - valid.width, valid.height}), kWhite);
  }
  if (valid.height < out.height) {
    fill_pixels(crop(out, {0, valid.height, out.width, out.height - valid.height}), kWhite);
  }
}

// The first bytes of a directory's first stored tile; none if it has no such tile.
std::vector<std::byte> first_bytes(const TiffFile& file, const TiffDirectory& directory,
                                   size_t most) {
  const auto& counts = directory.byte_counts;
  const auto stored = std::ranges::find_if(counts, [](uint64_t bytes) { return bytes > 0; });
  if (stored == counts.end()) return {};
  const uint64_t offset = directory.offsets[static_cast<size_t>(stored - counts.begin())];
  const auto file_bytes = static_cast<uint64_t>(file.source->size());
  if (offset >= file_bytes) return {};
  std::vector<std::byte> start(std::min({*stored, uint64_t{most}, file_bytes - offset}));
  file.source->read_at(static_cast<int64_t>(offset), start);
  return start;
}

}  // namespace

std::vector<io::ByteRange> stored_ranges(const TiffFile& file, std::span<const size_t> directories,
                                         std::span<const TileIndex> tiles) {
  const auto file_bytes = static_cast<uint64_t>(file.source->size());
  std::vector<io::ByteRange> ranges;
  for (const TileIndex& tile : tiles) {
    for (const size_t index : directories) {
      const TiffDirectory& directory = file.directories[index];
      const auto plane = static_cast<size_t>(directory.columns * directory.rows);
      const auto first = static_cast<size_t>(tile.row * directory.columns + tile.column);
      for (size_t number = first; number < directory.offsets.size(); number += plane) {
        const uint64_t offset = directory.offsets[number], bytes = directory.byte_counts[number];
        if (bytes == 0 || offset > file_bytes || bytes > file_bytes - offset) continue;
        ranges.push_back({static_cast<int64_t>(offset), static_cast<int64_t>(bytes)});
      }
    }
  }
  return ranges;
}

std::vector<std::pair<int64_t, int64_t>> merged_ranges(const TiffFile& file, size_t index,
                                                       std::span<const TileIndex> tiles,
                                                       int64_t gap) {
  std::vector<io::ByteRange> ranges = stored_ranges(file, {&index, 1}, tiles);
  std::ranges::sort(ranges, {},
                    [](const io::ByteRange& each) { return std::pair(each.offset, each.bytes); });
  std::vector<std::pair<int64_t, int64_t>> merged;
  for (const auto& [offset, bytes] : ranges) {
    if (!merged.empty() && offset - (merged.back().first + merged.back().second) <= gap) {
      int64_t& length = merged.back().second;
      length = std::max(length, offset + bytes - merged.back().first);
    } else {
      merged.emplace_back(offset, bytes);
    }
  }
  return merged;
}

std::string unsupported_tiles(const TiffFile& file, const TiffDirectory& directory) {
  if (directory.compression != COMPRESSION_JPEG) return {};
  return unsupported_jpeg(first_bytes(file, directory, size_t{64} << 10),
                          is_planar(directory) ? 1 : directory.samples);
}

int max_reduction(const TiffFile& file, const TiffDirectory& directory,
                  const TiffDirectory& sample) {
  const std::string codec = compression_name(directory.compression);
  const bool can = directory.tiled && gives_rgb(directory, codec);
  int most = 1;
  if (can && codec == "jpeg") most = 8;
  if (can && codec == "jpeg2000") {
    most = 1 << std::min(3, jpeg2000_wavelet_levels(first_bytes(file, sample, 256)));
  }
  const auto fits = [&](int r) {
    return directory.tile_px.width % r == 0 && directory.tile_px.height % r == 0 &&
           directory.size_px.width >= r && directory.size_px.height >= r;
  };
  while (!fits(most)) most /= 2;
  return most;
}

void decode_tiff_tile(const TiffFile& file, size_t index, TileIndex tile, TiffTileDecoder& decoder,
                      const MutableImageView& out, const RectPx& part) {
  const TiffDirectory& directory = file.directories[index];
  const int64_t number = tile.row * directory.columns + tile.column;
  const uint64_t bytes = directory.byte_counts[static_cast<size_t>(number)];
  if (bytes == 0 && !is_planar(directory)) return fill_pixels(out, kWhite);

  const SizePx& tile_px = directory.tile_px;
  const int reduction = static_cast<int>(tile_px.width / out.width);
  const SizePx valid = {
      std::min(tile_px.width, directory.size_px.width - tile.column * tile_px.width) / reduction,
      std::min(tile_px.height, directory.size_px.height - tile.row * tile_px.height) / reduction};
  // The last strip holds only the rows that are left; a tile is always whole.
  const Block block = {file,
                       index,
                       static_cast<size_t>(number),
                       static_cast<int>(directory.tiled ? tile_px.height : valid.height),
                       reduction,
                       part};
  if (gives_rgb(directory, compression_name(directory.compression))) {
    decode_rgb(block, decoder, out);
  } else {
    decode_samples(block, decoder, out);
  }
  whiten_beyond(valid, out);
}

}  // namespace lamella::slide
