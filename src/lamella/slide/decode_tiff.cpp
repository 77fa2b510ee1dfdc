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

JpegColour jpeg_colour(const TiffDirectory& directory) {
  if (directory.photometric == PHOTOMETRIC_MINISBLACK) return JpegColour::kGrey;
  return directory.photometric == PHOTOMETRIC_RGB ? JpegColour::kRgb : JpegColour::kYcbcr;
}

TiffHandle& handle_for(const TiffFile& file, size_t directory, TiffTileDecoder& decoder) {
  std::unique_ptr<TiffHandle>& handle = decoder.handles[directory];
  if (!handle) {
    auto fresh = std::make_unique<TiffHandle>(file.source);
    if (!TIFFSetDirectory(fresh->get(), static_cast<tdir_t>(directory))) {
      throw Error(ErrorCode::kCorrupt, fmt::format("TIFF directory {} cannot be read again: {}",
                                                   directory, fresh->failure(true)));
    }
    handle = std::move(fresh);
  }
  handle->clear();
  return *handle;
}

uint8_t over_white(int value, int alpha, ExtraSample kind) {
  if (kind == ExtraSample::kPremultipliedAlpha) {
    return static_cast<uint8_t>(std::min(255, value + 255 - alpha));
  }
  if (kind == ExtraSample::kAlpha) {
    return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return static_cast<uint8_t>(value);
}

void convert_samples(const TiffDirectory& directory, const uint8_t* from, int rows,
                     const MutableImageView& out) {
  for (int y = 0; y < rows; ++y) {
    uint8_t* to = out.row(y);
    if (directory.samples == 3) {
      std::copy_n(from, 3 * out.width, to);
      from += 3 * out.width;
      continue;
    }
    for (int x = 0; x < out.width; ++x, to += 3, from += directory.samples) {
      for (int c = 0; c < 3; ++c) {
        to[c] =
            directory.samples == 1 ? from[0] : over_white(from[c], from[3], directory.extra_sample);
      }
    }
  }
}

void decode_deflated(const TiffDirectory& directory, std::span<const std::byte> stored,
                     size_t row_bytes, std::span<uint8_t> samples) {
  decode_deflate(stored, samples, row_bytes * static_cast<size_t>(directory.tile_px.height));
  if (directory.predictor == PREDICTOR_HORIZONTAL) {
    undo_horizontal_predictor(samples, row_bytes, static_cast<size_t>(directory.samples));
  }
}

// LZW and none, with predictors and byte orders, as libtiff undoes them.
void decode_by_libtiff(TiffHandle& handle, const TiffDirectory& directory, uint32_t number,
                       std::span<uint8_t> samples) {
  const auto wanted = static_cast<tmsize_t>(samples.size());
  const tmsize_t got = directory.tiled
                           ? TIFFReadEncodedTile(handle.get(), number, samples.data(), wanted)
                           : TIFFReadEncodedStrip(handle.get(), number, samples.data(), wanted);
  const std::string cause = handle.failure(true);
  if (got != wanted || !cause.empty()) {
    throw Error(
        ErrorCode::kCorrupt,
        fmt::format("damaged {} data: {}", compression_name(directory.compression),
                    cause.empty() ? fmt::format("{} bytes; expected {}", got, wanted) : cause));
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

int wavelet_levels(const TiffFile& file, const TiffDirectory& directory) {
  const auto& counts = directory.byte_counts;
  const auto stored = std::ranges::find_if(counts, [](uint64_t bytes) { return bytes > 0; });
  if (stored == counts.end()) return 0;
  const uint64_t offset = directory.offsets[static_cast<size_t>(stored - counts.begin())];
  const auto file_bytes = static_cast<uint64_t>(file.source->size());
  if (offset >= file_bytes) return 0;
  std::array<std::byte, 256> start;
  const auto length = std::min({*stored, uint64_t{start.size()}, file_bytes - offset});
  file.source->read_at(static_cast<int64_t>(offset), std::span(start).first(length));
  return jpeg2000_wavelet_levels(std::span(start).first(length));
}

}  // namespace

std::vector<std::pair<int64_t, int64_t>> merged_ranges(const TiffFile& file, size_t index,
                                                       std::span<const TileIndex> tiles,
                                                       int64_t gap) {
  const TiffDirectory& directory = file.directories[index];
  const auto file_bytes = static_cast<uint64_t>(file.source->size());
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const TileIndex& tile : tiles) {
    const auto number = static_cast<size_t>(tile.row * directory.columns + tile.column);
    const uint64_t offset = directory.offsets[number], bytes = directory.byte_counts[number];
    if (bytes == 0 || offset > file_bytes || bytes > file_bytes - offset) continue;
    ranges.emplace_back(static_cast<int64_t>(offset), static_cast<int64_t>(bytes));
  }
  std::ranges::sort(ranges);
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

int max_reduction(const TiffFile& file, const TiffDirectory& directory) {
  const std::string compression = compression_name(directory.compression);
  int most = 1;
  if (directory.tiled && compression == "jpeg") most = 8;
  if (directory.tiled && compression == "jpeg2000") {
    most = 1 << std::min(3, wavelet_levels(file, directory));
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
  if (bytes == 0) return fill_pixels(out, kWhite);

  const SizePx& tile_px = directory.tile_px;
  const int reduction = static_cast<int>(tile_px.width / out.width);
  const SizePx valid = {
      std::min(tile_px.width, directory.size_px.width - tile.column * tile_px.width) / reduction,
      std::min(tile_px.height, directory.size_px.height - tile.row * tile_px.height) / reduction};
  // The last strip holds only the rows that are left; a tile is always whole.
  const int rows = static_cast<int>(directory.tiled ? tile_px.height : valid.height);
  const std::string compression = compression_name(directory.compression);
  const bool by_libtiff = compression == "lzw" || compression == "none";
  if (!by_libtiff) {
    read_stored(file, directory.offsets[static_cast<size_t>(number)], bytes, decoder);
  }
  if (compression == "jpeg") {
    decode_jpeg(
        {decoder.stored, directory.jpeg_tables, jpeg_colour(directory), rows, reduction, part},
        out);
  } else if (compression == "jpeg2000") {
    const bool rgb = directory.compression == 33005;
    decode_jpeg2000(decoder.stored, rgb ? Jpeg2000Colour::kRgb : Jpeg2000Colour::kYcbcr, reduction,
                    crop(out, {0, 0, out.width, rows / reduction}));
  } else {
    const size_t row_bytes =
        static_cast<size_t>(out.width) * static_cast<size_t>(directory.samples);
    decoder.samples.resize(row_bytes * static_cast<size_t>(rows));
    if (by_libtiff) {
      decode_by_libtiff(handle_for(file, index, decoder), directory, static_cast<uint32_t>(number),
                        decoder.samples);
    } else {
      decode_deflated(directory, decoder.stored, row_bytes, decoder.samples);
    }
    convert_samples(directory, decoder.samples.data(), rows, out);
  }
  whiten_beyond(valid, out);
}

}  // namespace lamella::slide
