// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "lamella/imagefile/samples.h"

namespace lamella::imagefile {

// The value of a pixel of `channels` samples of 8 or 16 bits (native order), of which an even
// number holds alpha last.
template <typename Sample>
uint16_t pixel_value(const Sample* pixel, int channels) {
  const bool alpha = channels % 2 == 0;
  if (alpha && pixel[channels - 1] == 0) return 0;
  uint16_t value = 0;
  for (int c = 0; c < channels - (alpha ? 1 : 0); ++c) {
    value = pixel[c] > value ? static_cast<uint16_t>(pixel[c]) : value;
  }
  return value;
}

// Error kLimit.
void require_samples_fit(int64_t width, int64_t height, int64_t max_px, const std::string& path);

Samples read_tiff_samples(const std::string& path, int64_t max_px);

}  // namespace lamella::imagefile
