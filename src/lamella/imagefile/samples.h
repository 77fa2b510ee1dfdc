// SPDX-License-Identifier: Apache-2.0
// Pictures of numbers: masks and labels, as other programs write them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lamella::imagefile {

struct Samples {
  int width = 0;
  int height = 0;
  // Row-major, as stored (0-1, 0-255 or 0-65535); of colours the largest channel, 0 where alpha is.
  std::vector<uint16_t> values;
  bool lossy = false;  // JPEG: near what was meant
};

// A PNG, JPEG or TIFF (whole numbers of 1, 8 or 16 bits, strips or tiles; of a pyramid the finest
// level of at most `max_px` px). Error kUnsupported, kCorrupt, kLimit (more than max_px).
Samples read_samples(const std::string& path, int64_t max_px = int64_t{1} << 28);

}  // namespace lamella::imagefile
