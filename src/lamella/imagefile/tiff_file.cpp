// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/tiff_file_internal.h"

namespace lamella::imagefile {

namespace {

int keep_message(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  *static_cast<std::string*>(user) = text;
  return 1;  // handled: nothing is printed
}

int drop_message(TIFF*, void*, const char*, const char*, va_list) { return 1; }

}  // namespace

TIFF* open_tiff(const std::string& path, const char* mode, std::string* message) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetErrorHandlerExtR(options, keep_message, message);
  TIFFOpenOptionsSetWarningHandlerExtR(options, drop_message, nullptr);
  TIFF* tiff = TIFFOpenExt(path.c_str(), mode, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

void TiffOptions::validate() const {
  const auto require = [](bool good, const std::string& message) {
    if (!good) throw Error(ErrorCode::kInvalidArgument, message);
  };
  require(tile_px >= 16 && tile_px <= 8192 && tile_px % 16 == 0,
          fmt::format("tile_px {}; expected a multiple of 16 from 16 to 8192", tile_px));
  require(jpeg_quality >= 1 && jpeg_quality <= 100,
          fmt::format("jpeg_quality {}; expected 1-100", jpeg_quality));
  require(!mpp || (std::isfinite(mpp->x) && std::isfinite(mpp->y) && mpp->x > 0 && mpp->y > 0),
          "mpp must be positive");
}

void check_tiff_size(SizePx size_px, const std::string& path) {
  if (size_px.width < 1 || size_px.height < 1 || size_px.width > INT32_MAX ||
      size_px.height > INT32_MAX) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("an image of {} x {} px was asked for; expected 1-{} px a side",
                            size_px.width, size_px.height, INT32_MAX),
                path);
  }
}

TiffFile::TiffFile(const std::string& temporary, const std::string& path, bool big) : path_(path) {
  tiff_ = open_tiff(temporary, big ? "w8" : "w", &message_);
  check(tiff_ != nullptr, "the header");
}

TiffFile::~TiffFile() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

void TiffFile::check(bool good, const char* doing) const {
  if (good) return;
  throw Error(ErrorCode::kIo,
              fmt::format("cannot be written, while writing {}: {}; check free space and "
                          "permissions",
                          doing, message_.empty() ? "unknown cause" : message_),
              path_);
}

void TiffFile::begin_level(SizePx size, SizePx full, int tile_px, const std::optional<Mpp>& mpp) {
  set(TIFFTAG_SUBFILETYPE, size == full ? 0u : static_cast<uint32_t>(FILETYPE_REDUCEDIMAGE));
  set(TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(size.width));
  set(TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(size.height));
  set(TIFFTAG_TILEWIDTH, static_cast<uint32_t>(tile_px));
  set(TIFFTAG_TILELENGTH, static_cast<uint32_t>(tile_px));
  set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  set(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  set(TIFFTAG_SOFTWARE, "lamella");
  if (!mpp) return;
  const double x = mpp->x * static_cast<double>(full.width) / static_cast<double>(size.width);
  const double y = mpp->y * static_cast<double>(full.height) / static_cast<double>(size.height);
  set(TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
  set(TIFFTAG_XRESOLUTION, 1e4 / x);
  set(TIFFTAG_YRESOLUTION, 1e4 / y);
}

void TiffFile::write_raw_tile(int64_t index, const void* data, size_t size) {
  const auto wrote = TIFFWriteRawTile(tiff_, static_cast<uint32_t>(index), const_cast<void*>(data),
                                      static_cast<tmsize_t>(size));
  check(wrote == static_cast<tmsize_t>(size), "a tile");
}

void TiffFile::write_tile(int64_t index, const void* data, size_t size) {
  const auto wrote = TIFFWriteEncodedTile(tiff_, static_cast<uint32_t>(index),
                                          const_cast<void*>(data), static_cast<tmsize_t>(size));
  check(wrote == static_cast<tmsize_t>(size), "a tile");
}

void TiffFile::end_level() { check(TIFFWriteDirectory(tiff_) == 1, "a directory"); }

}  // namespace lamella::imagefile
