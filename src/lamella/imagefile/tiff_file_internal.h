// SPDX-License-Identifier: Apache-2.0
// A TIFF being written: libtiff's return codes and messages become lamella::Error (kIo).
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <optional>
#include <string>

#include "lamella/base/geometry.h"

namespace lamella::imagefile {

// Null if it cannot be opened. What libtiff says last is in *message, which must outlive the file;
// its warnings are dropped, and nothing is printed.
TIFF* open_tiff(const std::string& path, const char* mode, std::string* message);

class TiffFile {
 public:
  // Writes `temporary`; errors name `path`.
  TiffFile(const std::string& temporary, const std::string& path, bool big);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* handle() const { return tiff_; }
  // Throws what libtiff said if `good` is false; `doing` completes "while writing ...".
  void check(bool good, const char* doing) const;

  template <typename... Values>
  void set(uint32_t tag, Values... values) {
    check(TIFFSetField(tiff_, tag, values...) == 1, "a tag");
  }
  // Size, tile size, contiguous samples, resolution; NewSubfileType "reduced" below level 0.
  // `mpp` is that of level 0, `full` the size of level 0.
  void begin_level(SizePx size, SizePx full, int tile_px, const std::optional<Mpp>& mpp);
  void write_raw_tile(int64_t index, const void* data, size_t size);
  void write_tile(int64_t index, const void* data, size_t size);
  void end_level();

 private:
  TIFF* tiff_ = nullptr;
  std::string path_;
  std::string message_;
};

// Error kInvalidArgument unless each side is in 1 .. 2^31 - 1.
void check_tiff_size(SizePx size_px, const std::string& path);

// Bytes beyond which the file is written as BigTIFF.
inline constexpr int64_t kClassicTiffBytes = int64_t{4000} << 20;

}  // namespace lamella::imagefile
