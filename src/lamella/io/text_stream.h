// SPDX-License-Identifier: Apache-2.0
// Text read a piece at a time, so that memory does not grow with the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lamella/io/text_file.h"

namespace lamella::io {

// A file's text as UTF-8: plain, gzip (told by its first bytes), UTF-8 with or without a byte-order
// mark, UTF-16 (noted). Not for several threads.
class TextStream {
 public:
  // Error kNotFound, kIo. `notes` is written to while text is read.
  explicit TextStream(const std::string& path, Notes notes = nullptr);
  // Text that is in memory already; `path` is what errors name.
  static TextStream of_text(std::string text, const std::string& path);
  ~TextStream();
  TextStream(TextStream&&) noexcept;

  const std::string& path() const;
  // The next piece, "" at the end; valid until the next call. Error kFormat: as decode_text;
  // kCorrupt: damaged gzip; kLimit: gzip that grows beyond 200 times its size and 64 MiB, or beyond
  // 32 GiB (made to fill memory or disk); kIo.
  std::string_view next();
  // What next() will begin with, up to 64 KiB, without taking it.
  std::string_view head();
  // Back to the beginning.
  void rewind();
  // Bytes of the file, and how many of them were read.
  int64_t size() const;
  int64_t read() const;

 private:
  struct State;
  explicit TextStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lamella::io
