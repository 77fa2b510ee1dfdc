// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/base/error.h"
#include "lamella/slide/tiff_file_internal.h"
#include "lamella/slide/tiff_handle_internal.h"

namespace lamella::slide {

namespace {

constexpr int kMaxDirectories = 4096;
constexpr int kCompressionJpeg2000Ycbcr = 33003;
constexpr int kCompressionJpeg2000Rgb = 33005;

template <typename T>
T get_tag(TIFF* tiff, uint32_t tag, T fallback) {
  T value = fallback;
  return TIFFGetFieldDefaulted(tiff, tag, &value) ? value : fallback;
}

std::string get_text(TIFF* tiff, uint32_t tag) {
  const char* text = nullptr;
  return TIFFGetField(tiff, tag, &text) && text ? std::string(text) : std::string();
}

std::string get_bytes(TIFF* tiff, uint32_t tag) {
  uint32_t count = 0;
  const char* data = nullptr;
  if (!TIFFGetField(tiff, tag, &count, &data) || !data) return {};
  return std::string(data, count);
}

ExtraSample get_extra_sample(TIFF* tiff) {
  uint16_t count = 0;
  const uint16_t* kinds = nullptr;
  if (!TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) || count == 0 || !kinds) {
    return ExtraSample::kNone;
  }
  if (kinds[0] == EXTRASAMPLE_ASSOCALPHA) return ExtraSample::kPremultipliedAlpha;
  if (kinds[0] == EXTRASAMPLE_UNASSALPHA) return ExtraSample::kAlpha;
  return ExtraSample::kUnspecified;
}

[[noreturn]] void throw_damaged(const TiffHandle& handle, size_t index, const std::string& what) {
  throw Error(ErrorCode::kCorrupt,
              fmt::format("is damaged or cut short: TIFF directory {}: {}", index, what),
              handle.source().name());
}

void read_geometry(const TiffHandle& handle, size_t index, TiffDirectory& directory) {
  TIFF* tiff = handle.get();
  directory.size_px = {get_tag<uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0),
                       get_tag<uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0)};
  const SizePx& size = directory.size_px;
  directory.tiled = TIFFIsTiled(tiff);
  if (directory.tiled) {
    directory.tile_px = {get_tag<uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0),
                         get_tag<uint32_t>(tiff, TIFFTAG_TILELENGTH, 0)};
  } else {
    const int64_t rows = get_tag<uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, UINT32_MAX);
    directory.tile_px = {size.width, std::min(rows, size.height)};
  }
  const SizePx& tile = directory.tile_px;
  if (std::min({size.width, size.height, tile.width, tile.height}) <= 0) {
    throw_damaged(handle, index,
                  fmt::format("size {} x {} px in tiles of {} x {} px; all must be positive",
                              size.width, size.height, tile.width, tile.height));
  }
  if (std::max({size.width, size.height, tile.width, tile.height}) > INT32_MAX) {
    throw_damaged(handle, index,
                  fmt::format("size {} x {} px in tiles of {} x {} px is absurd", size.width,
                              size.height, tile.width, tile.height));
  }
  directory.columns = (size.width + tile.width - 1) / tile.width;
  directory.rows = (size.height + tile.height - 1) / tile.height;
}

// Both factors are below 2^31, so their product cannot overflow.
void read_tile_table(const TiffHandle& handle, size_t index, TiffDirectory& directory) {
  const int64_t file_bytes = handle.source().size();
  const int64_t count = directory.columns * directory.rows;
  const int64_t planes = directory.planar == PLANARCONFIG_SEPARATE ? directory.samples : 1;
  // The file must at least hold a four-byte offset for each tile, unless there is only one.
  if (count > 1 && count > file_bytes / 4) {
    throw_damaged(
        handle, index,
        fmt::format("claims {} tiles, which cannot be in a file of {} bytes", count, file_bytes));
  }
  const bool tiled = directory.tiled;
  const int64_t entries =
      tiled ? TIFFNumberOfTiles(handle.get()) : TIFFNumberOfStrips(handle.get());
  if (entries != count * planes) {
    throw_damaged(
        handle, index,
        fmt::format("its tile table has {} entries; expected {}", entries, count * planes));
  }
  const uint64_t* offsets = nullptr;
  const uint64_t* byte_counts = nullptr;
  if (!TIFFGetField(handle.get(), tiled ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS, &offsets) ||
      !TIFFGetField(handle.get(), tiled ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS,
                    &byte_counts) ||
      !offsets || !byte_counts) {
    const std::string cause = handle.failure(true);
    throw_damaged(
        handle, index,
        "has no table of tile offsets and lengths" + (cause.empty() ? cause : " (" + cause + ")"));
  }
  directory.offsets.assign(offsets, offsets + count);
  directory.byte_counts.assign(byte_counts, byte_counts + count);
}

TiffDirectory read_directory(const TiffHandle& handle, size_t index) {
  TIFF* tiff = handle.get();
  TiffDirectory directory;
  directory.subfile_type = get_tag<uint32_t>(tiff, TIFFTAG_SUBFILETYPE, 0);
  directory.compression = get_tag<uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  directory.photometric = get_tag<uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, UINT16_MAX);
  directory.bits = get_tag<uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  directory.samples = get_tag<uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  directory.planar = get_tag<uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  directory.sample_format = get_tag<uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  const std::string compression = compression_name(directory.compression);
  if (compression == "deflate" || compression == "lzw") {  // libtiff knows it for these alone
    directory.predictor = get_tag<uint16_t>(tiff, TIFFTAG_PREDICTOR, PREDICTOR_NONE);
  }
  directory.fill_order = get_tag<uint16_t>(tiff, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB);
  directory.extra_sample = get_extra_sample(tiff);
  directory.description = get_text(tiff, TIFFTAG_IMAGEDESCRIPTION);
  directory.software = get_text(tiff, TIFFTAG_SOFTWARE);
  directory.make = get_text(tiff, TIFFTAG_MAKE);
  directory.xmp = get_bytes(tiff, TIFFTAG_XMLPACKET);
  directory.x_resolution = get_tag<float>(tiff, TIFFTAG_XRESOLUTION, 0);
  directory.y_resolution = get_tag<float>(tiff, TIFFTAG_YRESOLUTION, 0);
  directory.resolution_unit = get_tag<uint16_t>(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
  if (directory.compression == COMPRESSION_JPEG) {
    const std::string tables = get_bytes(tiff, TIFFTAG_JPEGTABLES);
    directory.jpeg_tables.assign(tables.begin(), tables.end());
  }
  read_geometry(handle, index, directory);
  read_tile_table(handle, index, directory);
  return directory;
}

}  // namespace

bool is_tiff(const io::ByteSource& source) {
  if (source.size() < 8) return false;
  std::array<uint8_t, 4> magic{};
  source.read_at(0, std::as_writable_bytes(std::span(magic)));
  const bool little = magic[0] == 'I' && magic[1] == 'I' && magic[3] == 0;
  const bool big = magic[0] == 'M' && magic[1] == 'M' && magic[2] == 0;
  const uint8_t version = little ? magic[2] : magic[3];
  return (little || big) && (version == 42 || version == 43);
}

std::shared_ptr<const TiffFile> read_tiff_file(std::shared_ptr<const io::ByteSource> source) {
  TiffHandle handle(source);
  auto file = std::make_shared<TiffFile>();
  file->source = std::move(source);
  do {
    const size_t index = file->directories.size();
    if (index == kMaxDirectories) {
      throw Error(ErrorCode::kLimit,
                  fmt::format("has more than {} TIFF directories", kMaxDirectories),
                  file->source->name());
    }
    if (const std::string cause = handle.failure(false); !cause.empty()) {
      throw_damaged(handle, index, cause);
    }
    file->directories.push_back(read_directory(handle, index));
  } while (TIFFReadDirectory(handle.get()));
  if (const std::string cause = handle.failure(false); !cause.empty()) {
    throw_damaged(handle, file->directories.size(), cause);
  }
  return file;
}

std::string compression_name(int compression) {
  switch (compression) {
    case COMPRESSION_JPEG:
      return "jpeg";
    case kCompressionJpeg2000Ycbcr:
    case kCompressionJpeg2000Rgb:
      return "jpeg2000";
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
      return "deflate";
    case COMPRESSION_LZW:
      return "lzw";
    case COMPRESSION_NONE:
      return "none";
    default:
      return fmt::format("compression {}", compression);
  }
}

std::string unsupported_reason(const TiffDirectory& directory) {
  const std::string name = compression_name(directory.compression);
  if (name.starts_with("compression")) {
    return name + "; expected JPEG, JPEG 2000, deflate, LZW or none";
  }
  if (directory.bits != 8 || directory.sample_format != SAMPLEFORMAT_UINT) {
    return fmt::format("{} bits per sample of format {}; expected 8 bits, unsigned", directory.bits,
                       directory.sample_format);
  }
  if (directory.planar != PLANARCONFIG_CONTIG && directory.samples > 1) {
    return "planes stored apart; expected pixels stored together";
  }
  const bool grey = directory.photometric == PHOTOMETRIC_MINISBLACK && directory.samples == 1;
  const bool rgb = directory.photometric == PHOTOMETRIC_RGB && directory.samples == 3;
  const bool rgba = directory.photometric == PHOTOMETRIC_RGB && directory.samples == 4;
  const bool ycbcr = directory.photometric == PHOTOMETRIC_YCBCR && directory.samples == 3;
  const bool known = name == "jpeg"       ? grey || rgb || ycbcr
                     : name == "jpeg2000" ? rgb || ycbcr
                                          : grey || rgb || rgba;
  if (!known) {
    return fmt::format("photometric tag {} with {} samples in {}; expected RGB{}",
                       directory.photometric, directory.samples, name,
                       name == "jpeg" ? ", YCbCr or grey" : " or grey");
  }
  const bool lossless = !name.starts_with("jpeg");
  if (lossless && (directory.predictor > PREDICTOR_HORIZONTAL || directory.fill_order != 1)) {
    return fmt::format("predictor {} and fill order {}; expected predictor 1 or 2, fill order 1",
                       directory.predictor, directory.fill_order);
  }
  const int64_t bytes = directory.tile_px.width * directory.tile_px.height;
  if (bytes > kMaxTileBytes / 3) {
    return fmt::format(
        "tiles or strips of {} x {} px, more than {} MiB decoded; convert the "
        "file to a tiled TIFF",
        directory.tile_px.width, directory.tile_px.height, kMaxTileBytes >> 20);
  }
  return {};
}

}  // namespace lamella::slide
