// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/base/error.h"
#include "lamella/slide/tiff_file_internal.h"
#include "lamella/slide/tiff_handle_internal.h"

namespace lamella::slide {

namespace {

constexpr size_t kMaxDirectories = 4096;

[[noreturn]] void throw_damaged(const std::string& what) { throw Error(ErrorCode::kCorrupt, what); }

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

std::vector<uint8_t> get_palette(TIFF* tiff) {
  const uint16_t* channels[3] = {};
  if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2])) return {};
  std::vector<uint8_t> palette;
  // Some writers give 8-bit values where 16 bits are asked for.
  const auto is_wide = [](const uint16_t* values) {
    return std::any_of(values, values + 256, [](uint16_t value) { return value > 255; });
  };
  const bool wide = std::ranges::any_of(channels, is_wide);
  for (size_t i = 0; i < 256; ++i) {
    for (const uint16_t* channel : channels) {
      palette.push_back(static_cast<uint8_t>(wide ? channel[i] >> 8 : channel[i]));
    }
  }
  return palette;
}

std::vector<uint64_t> get_sub_offsets(TIFF* tiff) {
  uint16_t count = 0;
  const uint64_t* offsets = nullptr;
  if (!TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &offsets) || !offsets) return {};
  return {offsets, offsets + count};
}

void read_geometry(TiffHandle& handle, TiffDirectory& directory) {
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
    throw_damaged(fmt::format("size {} x {} px in tiles of {} x {} px; all must be positive",
                              size.width, size.height, tile.width, tile.height));
  }
  if (std::max({size.width, size.height, tile.width, tile.height}) > INT32_MAX) {
    throw_damaged(fmt::format("size {} x {} px in tiles of {} x {} px is absurd", size.width,
                              size.height, tile.width, tile.height));
  }
  directory.columns = (size.width + tile.width - 1) / tile.width;
  directory.rows = (size.height + tile.height - 1) / tile.height;
}

// Both factors are below 2^31, so their product cannot overflow.
void read_tile_table(TiffHandle& handle, TiffDirectory& directory) {
  const int64_t file_bytes = handle.source().size();
  const int64_t count = directory.columns * directory.rows;
  const int64_t planes = directory.planar == PLANARCONFIG_SEPARATE ? directory.samples : 1;
  const int64_t whole = count * planes;  // a volume has as many for each slice
  // The file must at least hold a four-byte offset for each tile, unless there is only one.
  if (count > 1 && count > file_bytes / 4) {
    throw_damaged(
        fmt::format("claims {} tiles, which cannot be in a file of {} bytes", count, file_bytes));
  }
  const bool tiled = directory.tiled;
  const int64_t entries =
      tiled ? TIFFNumberOfTiles(handle.get()) : TIFFNumberOfStrips(handle.get());
  if (directory.depth == 1 ? entries != whole : entries < whole) {
    throw_damaged(fmt::format("its tile table has {} entries; expected {}", entries, whole));
  }
  const uint64_t* offsets = nullptr;
  const uint64_t* byte_counts = nullptr;
  if (!TIFFGetField(handle.get(), tiled ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS, &offsets) ||
      !TIFFGetField(handle.get(), tiled ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS,
                    &byte_counts) ||
      !offsets || !byte_counts) {
    const std::string cause = handle.first_message();
    throw_damaged("has no table of tile offsets and lengths" +
                  (cause.empty() ? cause : " (" + cause + ")"));
  }
  directory.offsets.assign(offsets, offsets + count * planes);
  directory.byte_counts.assign(byte_counts, byte_counts + count * planes);
}

// How the samples are stored, and what they mean.
void read_sample_tags(TIFF* tiff, TiffDirectory& directory) {
  directory.compression = get_tag<uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  directory.bits = get_tag<uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  directory.samples = get_tag<uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  // What is missing here can only be one thing.
  directory.photometric = get_tag<uint16_t>(
      tiff, TIFFTAG_PHOTOMETRIC, directory.samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  directory.planar = get_tag<uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  if (directory.samples == 1) directory.planar = PLANARCONFIG_CONTIG;
  directory.sample_format = get_tag<uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  const std::string compression = compression_name(directory.compression);
  if (compression == "deflate" || compression == "lzw" || compression == "zstd") {
    directory.predictor = get_tag<uint16_t>(tiff, TIFFTAG_PREDICTOR, PREDICTOR_NONE);
  }
  directory.fill_order = get_tag<uint16_t>(tiff, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB);
  directory.orientation = get_tag<uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  directory.depth = std::max<int64_t>(1, get_tag<uint32_t>(tiff, TIFFTAG_IMAGEDEPTH, 1));
  directory.extra_sample = get_extra_sample(tiff);
  if (directory.photometric == PHOTOMETRIC_PALETTE && directory.bits == 8) {
    directory.palette = get_palette(tiff);
  }
  if (directory.compression == COMPRESSION_JPEG) {
    const std::string tables = get_bytes(tiff, TIFFTAG_JPEGTABLES);
    directory.jpeg_tables.assign(tables.begin(), tables.end());
  }
}

void read_metadata(const TiffHandle& handle, TiffDirectory& directory) {
  TIFF* tiff = handle.get();
  directory.subfile_type = get_tag<uint32_t>(tiff, TIFFTAG_SUBFILETYPE, 0);
  directory.description = get_text(tiff, TIFFTAG_IMAGEDESCRIPTION);
  directory.software = get_text(tiff, TIFFTAG_SOFTWARE);
  directory.make = get_text(tiff, TIFFTAG_MAKE);
  directory.xmp = get_bytes(tiff, TIFFTAG_XMLPACKET);
  const std::string icc = get_bytes(tiff, TIFFTAG_ICCPROFILE);
  directory.icc.assign(icc.begin(), icc.end());
  directory.x_resolution = get_tag<float>(tiff, TIFFTAG_XRESOLUTION, 0);
  directory.y_resolution = get_tag<float>(tiff, TIFFTAG_YRESOLUTION, 0);
  directory.resolution_unit = handle.unit_is_unknown()
                                  ? kUnknownUnit
                                  : get_tag<uint16_t>(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
  directory.sub_offsets = get_sub_offsets(tiff);
}

// The directory that the handle stands at. What makes it unreliable is its problem.
TiffDirectory read_directory(TiffHandle& handle) {
  TIFF* tiff = handle.get();
  TiffDirectory directory;
  directory.offset = TIFFCurrentDirOffset(tiff);
  directory.problem = handle.damage();
  try {
    read_sample_tags(tiff, directory);
    read_metadata(handle, directory);
    read_geometry(handle, directory);
    read_tile_table(handle, directory);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    if (directory.problem.empty()) directory.problem = error.message();
  }
  return directory;
}

TiffDirectory unreadable(uint64_t offset, const TiffHandle& handle) {
  TiffDirectory directory;
  directory.offset = offset;
  directory.problem = handle.first_message().empty() ? "cannot be read" : handle.first_message();
  return directory;
}

void require_count(const TiffFile& file) {
  if (file.directories.size() < kMaxDirectories) return;
  throw Error(ErrorCode::kLimit, fmt::format("has more than {} TIFF directories", kMaxDirectories),
              file.source->name());
}

void read_sub_directories(TiffHandle& handle, TiffFile& file) {
  const size_t pages = file.directories.size();
  for (size_t page = 0; page < pages; ++page) {
    const std::vector<uint64_t> offsets = file.directories[page].sub_offsets;
    for (const uint64_t offset : offsets) {
      require_count(file);
      handle.clear();
      const bool read = offset > 0 && TIFFSetSubDirectory(handle.get(), offset);
      file.directories.push_back(read ? read_directory(handle) : unreadable(offset, handle));
      file.directories.back().parent = page;
    }
  }
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
    require_count(*file);
    file->directories.push_back(read_directory(handle));
    handle.clear();
  } while (TIFFReadDirectory(handle.get()));
  // libtiff says nothing where the chain ends.
  if (!handle.first_message().empty()) file->directories.push_back(unreadable(0, handle));
  read_sub_directories(handle, *file);
  const auto sound = [](const TiffDirectory& each) { return each.problem.empty(); };
  if (std::ranges::none_of(file->directories, sound)) {
    throw Error(ErrorCode::kCorrupt,
                "is damaged or cut short: TIFF directory 0: " + file->directories.front().problem,
                file->source->name());
  }
  return file;
}

}  // namespace lamella::slide
