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

  // libtiff's first message since the last clear(), or "". An error always counts; a warning
  // counts as damage if libtiff says that it guessed or dropped something that pixels depend on
  // (see is_damage), and, with `any_warning`, whatever it says.
  std::string failure(bool any_warning) const;
  void clear();

 private:
  struct Stream;
  static int on_error(TIFF* tiff, void* self, const char* module, const char* format, va_list args);
  static int on_warning(TIFF* tiff, void* self, const char* module, const char* format,
                        va_list args);
  std::shared_ptr<const io::ByteSource> source_;
  int64_t position_ = 0;
  std::string error_, damage_, warning_;
  TIFF* tiff_ = nullptr;
};

}  // namespace lamella::slide
