// SPDX-License-Identifier: Apache-2.0
// One JPEG compressor, used again for many images. Not shareable.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "lamella/base/image.h"

namespace lamella::imagefile {

struct JpegEncoding {
  int quality = 85;
  bool halve_chroma = true;    // 4:2:0, else 4:4:4
  bool shared_tables = false;  // streams without tables and JFIF marker, as a TIFF's tiles
};

class JpegEncoder {
 public:
  explicit JpegEncoder(const JpegEncoding& encoding);
  ~JpegEncoder();
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;

  // The tables-only stream that goes with streams made with shared_tables.
  const std::vector<uint8_t>& tables() const { return tables_; }
  // RGB, 1-65500 px a side.
  std::vector<uint8_t> encode(const ImageView& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::vector<uint8_t> tables_;
};

}  // namespace lamella::imagefile
