// SPDX-License-Identifier: Apache-2.0
// One libtiff handle over a ByteSource, with its own position and its own messages. Not
// shareable by threads.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <memory>
#include <string>

#include "lamella/io/byte_source.h"

namespace lamella::slide {

class TiffHandle {
 public:
  // Error kCorrupt if libtiff finds no sound first directory.
  explicit TiffHandle(std::shared_ptr<const io::ByteSource> source);
  ~TiffHandle();
  TiffHandle(const TiffHandle&) = delete;
  TiffHandle& operator=(const TiffHandle&) = delete;

  TIFF* get() const { return tiff_; }
  const io::ByteSource& source() const { return *source_; }

  // libtiff's first message since the last clear() by which it guessed or dropped something that
  // pixels depend on, or "". What it says of other tags (private ones, dates, a bad orientation)
  // touches no pixel.
  const std::string& damage() const { return damage_; }
  // Its first message of any kind, or ""; of LZW's old bit order, which it decodes rightly, none.
  const std::string& first_message() const { return message_; }
  // The unit of the resolution is none that there is; libtiff would take it for inches.
  bool unit_is_unknown() const { return unit_is_unknown_; }
  void clear();

 private:
  struct Stream;
  static int on_message(TIFF* tiff, void* self, const char* module, const char* format,
                        va_list args);
  void keep(const std::string& message);
  std::shared_ptr<const io::ByteSource> source_;
  int64_t position_ = 0;
  std::string damage_, message_;
  bool unit_is_unknown_ = false;
  TIFF* tiff_ = nullptr;
};

}  // namespace lamella::slide
