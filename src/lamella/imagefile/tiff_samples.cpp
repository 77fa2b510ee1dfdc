// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>

#include "lamella/base/error.h"
#include "lamella/imagefile/samples_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"

namespace lamella::imagefile {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {
    tiff_.reset(open_tiff(path, "r", &message_));
    check(tiff_ != nullptr);
  }

  Samples read(int64_t max_px) {
    describe();
    // The levels of a pyramid follow their finest.
    while (int64_t{width_} * height_ > max_px && TIFFReadDirectory(tiff_.get()) == 1) describe();
    require_samples_fit(width_, height_, max_px, path_);
    require_readable();
    Samples samples{static_cast<int>(width_), static_cast<int>(height_),
                    std::vector<uint16_t>(size_t{width_} * height_),
                    compression_ == COMPRESSION_JPEG};
    if (TIFFIsTiled(tiff_.get()) != 0) {
      read_tiles(samples);
    } else {
      read_rows(samples);
    }
    return samples;
  }

 private:
  void check(bool good) const {
    if (good) return;
    throw Error(ErrorCode::kCorrupt,
                fmt::format("is no TIFF that can be read: {}",
                            message_.empty() ? "it ends too early" : message_),
                path_);
  }

  template <typename T>
  T tag(uint32_t number) {
    T value{};
    TIFFGetFieldDefaulted(tiff_.get(), number, &value);
    return value;
  }

  void describe() {
    width_ = tag<uint32_t>(TIFFTAG_IMAGEWIDTH);
    height_ = tag<uint32_t>(TIFFTAG_IMAGELENGTH);
    bits_ = tag<uint16_t>(TIFFTAG_BITSPERSAMPLE);
    channels_ = tag<uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
    compression_ = tag<uint16_t>(TIFFTAG_COMPRESSION);
    photometric_ = tag<uint16_t>(TIFFTAG_PHOTOMETRIC);
    if (compression_ == COMPRESSION_JPEG && photometric_ == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
  }

  void require_readable() {
    const auto format = tag<uint16_t>(TIFFTAG_SAMPLEFORMAT);
    const bool whole = format != SAMPLEFORMAT_IEEEFP && format != SAMPLEFORMAT_COMPLEXIEEEFP;
    const bool size = bits_ == 8 || bits_ == 16 || (bits_ == 1 && channels_ == 1);
    const bool together =
        channels_ == 1 || tag<uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_CONTIG;
    if (whole && size && together && channels_ >= 1 && channels_ <= 4) return;
    throw Error(ErrorCode::kUnsupported,
                fmt::format("found a TIFF of {} samples of {} bits{}, expected 1 to 4 together, "
                            "whole numbers of 8 or 16 bits, or one bit; save the mask as PNG",
                            channels_, bits_, whole ? "" : " (floating point)"),
                path_);
  }

  uint16_t value(const std::vector<uint16_t>& row, size_t x) const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(row.data());
    uint16_t found = 0;
    if (bits_ == 1) {
      found = (bytes[x / 8] >> (7 - x % 8)) & 1;
    } else if (bits_ == 8) {
      found = pixel_value(bytes + x * channels_, channels_);
    } else {
      found = pixel_value(row.data() + x * channels_, channels_);
    }
    if (photometric_ != PHOTOMETRIC_MINISWHITE) return found;
    return static_cast<uint16_t>((1u << bits_) - 1 - found);
  }

  void read_rows(Samples& samples) {
    std::vector<uint16_t> row(static_cast<size_t>(TIFFScanlineSize(tiff_.get())) / 2 + 1);
    for (uint32_t y = 0; y < height_; ++y) {
      check(TIFFReadScanline(tiff_.get(), row.data(), y) == 1);
      for (uint32_t x = 0; x < width_; ++x) {
        samples.values[size_t{y} * width_ + x] = value(row, x);
      }
    }
  }

  void read_tiles(Samples& samples) {
    const auto tile_width = tag<uint32_t>(TIFFTAG_TILEWIDTH);
    const auto tile_height = tag<uint32_t>(TIFFTAG_TILELENGTH);
    const tmsize_t tile_bytes = TIFFTileSize(tiff_.get()), row_bytes = TIFFTileRowSize(tiff_.get());
    check(tile_width > 0 && tile_height > 0 && tile_bytes > 0 && row_bytes > 0);
    require_samples_fit(tile_width, tile_height, int64_t{1} << 28, path_);
    std::vector<uint8_t> tile(static_cast<size_t>(tile_bytes));
    std::vector<uint16_t> row(static_cast<size_t>(row_bytes) / 2 + 1);
    for (uint32_t top = 0; top < height_; top += tile_height) {
      for (uint32_t left = 0; left < width_; left += tile_width) {
        const uint32_t index = TIFFComputeTile(tiff_.get(), left, top, 0, 0);
        check(TIFFReadEncodedTile(tiff_.get(), index, tile.data(), tile_bytes) == tile_bytes);
        for (uint32_t y = top; y < std::min(height_, top + tile_height); ++y) {
          std::copy_n(tile.begin() + static_cast<ptrdiff_t>(y - top) * row_bytes, row_bytes,
                      reinterpret_cast<uint8_t*>(row.data()));
          for (uint32_t x = left; x < std::min(width_, left + tile_width); ++x) {
            samples.values[size_t{y} * width_ + x] = value(row, x - left);
          }
        }
      }
    }
  }

  struct Close {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  };

  const std::string& path_;
  std::string message_;
  std::unique_ptr<TIFF, Close> tiff_;
  uint32_t width_ = 0, height_ = 0;
  uint16_t bits_ = 0, channels_ = 0, compression_ = 0, photometric_ = 0;
};

}  // namespace

Samples read_tiff_samples(const std::string& path, int64_t max_px) {
  return Reader(path).read(max_px);
}

}  // namespace lamella::imagefile
