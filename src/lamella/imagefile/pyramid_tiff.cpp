// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/jpeg_encoder_internal.h"
#include "lamella/imagefile/pyramid_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {

namespace {

// Compressed tiles of the coarser levels wait here until level 0 is complete: in a file without a
// name, so that memory does not grow with the slide and nothing is left behind by a crash.
class TileSpool {
 public:
  TileSpool(const std::string& temporary, const std::string& path) : path_(path) {
    const std::string name = temporary + ".levels";
    descriptor_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail();
    ::unlink(name.c_str());
  }
  ~TileSpool() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  TileSpool(const TileSpool&) = delete;
  TileSpool& operator=(const TileSpool&) = delete;

  void put(size_t level, const std::vector<uint8_t>& bytes) {
    if (places_.size() <= level) places_.resize(level + 1);
    places_[level].push_back({end_, bytes.size()});
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t wrote = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                     end_ + static_cast<int64_t>(done));
      if (wrote <= 0 && errno != EINTR) fail();
      if (wrote > 0) done += static_cast<size_t>(wrote);
    }
    end_ += static_cast<int64_t>(bytes.size());
  }

  std::vector<uint8_t> get(size_t level, size_t index) const {
    const Place place = places_[level][index];
    std::vector<uint8_t> bytes(place.size);
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                  place.offset + static_cast<int64_t>(done));
      if (got == 0) errno = EIO;
      if (got <= 0 && errno != EINTR) fail();
      if (got > 0) done += static_cast<size_t>(got);
    }
    return bytes;
  }
  size_t count(size_t level) const { return level < places_.size() ? places_[level].size() : 0; }

 private:
  struct Place {
    int64_t offset;
    size_t size;
  };
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kIo, fmt::format("cannot be written: {}", std::strerror(errno)), path_);
  }

  std::string path_;
  int descriptor_ = -1;
  int64_t end_ = 0;
  std::vector<std::vector<Place>> places_;
};

// A tile of no bytes is one that is left out.
std::vector<uint8_t> encode_tile(JpegEncoder& encoder, const ImageView& tile,
                                 const TiffOptions& options) {
  if (options.leave_out_white) {
    const size_t bytes = static_cast<size_t>(tile.width) * 3;
    bool white = true;
    for (int y = 0; white && y < tile.height; ++y) {
      const uint8_t* row = tile.row(y);
      white = row[0] == 255 && std::memcmp(row, row + 1, bytes - 1) == 0;
    }
    if (white) return {};
  }
  return encoder.encode(tile);
}

void write_tile(TiffFile& file, int64_t index, const std::vector<uint8_t>& bytes) {
  if (!bytes.empty()) file.write_raw_tile(index, bytes.data(), bytes.size());
}

void begin_jpeg_level(TiffFile& file, SizePx size, SizePx full, const TiffOptions& options,
                      const std::vector<uint8_t>& tables) {
  file.begin_level(size, full, options.tile_px, options.mpp);
  file.set(TIFFTAG_BITSPERSAMPLE, 8);
  file.set(TIFFTAG_SAMPLESPERPIXEL, 3);
  file.set(TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
  file.set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
  file.set(TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
  file.set(TIFFTAG_JPEGTABLES, static_cast<uint32_t>(tables.size()), tables.data());
  if (size == full && !options.description.empty()) {
    file.set(TIFFTAG_IMAGEDESCRIPTION, options.description.c_str());
  }
}

void write_levels(TiffFile& file, TileSpool& spool, SizePx size_px, const TiffOptions& options,
                  const std::function<void(const RectPx&, const MutableImageView&)>& fill) {
  JpegEncoder encoder({.quality = options.jpeg_quality, .shared_tables = true});
  Pyramid pyramid(size_px, options.tile_px, options.pyramid,
                  [&](size_t level, int64_t, const ImageView& tile) {
                    spool.put(level, encode_tile(encoder, tile, options));
                  });
  const int tile_px = options.tile_px;
  Image tile(tile_px, tile_px, 3);
  begin_jpeg_level(file, size_px, size_px, options, encoder.tables());
  int64_t index = 0;
  for (int64_t y = 0; y < size_px.height; y += tile_px) {
    for (int64_t x = 0; x < size_px.width; x += tile_px, ++index) {
      const RectPx rect =
          intersect({x, y, tile_px, tile_px}, {0, 0, size_px.width, size_px.height});
      const MutableImageView part = crop(tile.view(), {0, 0, rect.width, rect.height});
      fill(rect, part);
      repeat_edges(tile.view(), part.width, part.height);
      write_tile(file, index, encode_tile(encoder, tile.view(), options));
      pyramid.add(rect, part);
    }
  }
  file.end_level();
  for (size_t level = 1; level < pyramid.levels().size(); ++level) {
    begin_jpeg_level(file, pyramid.levels()[level], size_px, options, encoder.tables());
    for (size_t i = 0; i < spool.count(level); ++i) {
      write_tile(file, static_cast<int64_t>(i), spool.get(level, i));
    }
    file.end_level();
  }
}

}  // namespace

void write_pyramid_tiff(const std::string& path, SizePx size_px, const TiffOptions& options,
                        const std::function<void(const RectPx&, const MutableImageView&)>& fill) {
  options.validate();
  check_tiff_size(size_px, path);
  // All levels together hold less than 4 bytes a pixel before compression.
  const bool big = checked_mul(size_px.width * size_px.height, 4, "image size") > kClassicTiffBytes;
  io::replace_file(path, [&](const std::string& temporary) {
    TiffFile file(temporary, path, big);
    TileSpool spool(temporary, path);
    write_levels(file, spool, size_px, options, fill);
  });
}

}  // namespace lamella::imagefile
