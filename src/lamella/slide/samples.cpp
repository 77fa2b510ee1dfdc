// SPDX-License-Identifier: Apache-2.0
#include <tiffio.h>

#include <algorithm>

#include "lamella/slide/samples_internal.h"

namespace lamella::slide {

namespace {

uint8_t over_white(int value, int alpha, ExtraSample kind) {
  if (kind == ExtraSample::kPremultipliedAlpha) {
    return static_cast<uint8_t>(std::min(255, value + 255 - alpha));
  }
  if (kind == ExtraSample::kAlpha) {
    return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return static_cast<uint8_t>(value);
}

// Where sample c of a pixel is.
struct Steps {
  ptrdiff_t pixel = 1, sample = 1;
};

void convert_row(const TiffDirectory& directory, const uint8_t* from, const Steps& steps, int width,
                 uint8_t* to) {
  const bool inverted = directory.photometric == PHOTOMETRIC_MINISWHITE;
  const bool colours = directory.samples >= 3;
  const ptrdiff_t alpha_at = (colours ? 3 : 1) * steps.sample;
  const bool has_alpha = directory.samples == 2 || directory.samples == 4;
  for (int x = 0; x < width; ++x, to += 3, from += steps.pixel) {
    if (directory.photometric == PHOTOMETRIC_PALETTE) {
      std::copy_n(directory.palette.data() + 3 * size_t{from[0]}, 3, to);
      continue;
    }
    const int alpha = has_alpha ? from[alpha_at] : 255;
    for (int c = 0; c < 3; ++c) {
      const int value = colours ? from[c * steps.sample] : inverted ? 255 - from[0] : from[0];
      to[c] = has_alpha ? over_white(value, alpha, directory.extra_sample)
                        : static_cast<uint8_t>(value);
    }
  }
}

}  // namespace

void convert_samples(const TiffDirectory& directory, std::span<const uint8_t> samples,
                     const MutableImageView& out) {
  const bool planar = directory.planar == PLANARCONFIG_SEPARATE;
  const auto plane = ptrdiff_t{out.width} * out.height;
  const Steps steps = {planar ? 1 : directory.samples, planar ? plane : 1};
  const uint8_t* from = samples.data();
  for (int y = 0; y < out.height; ++y, from += out.width * steps.pixel) {
    if (directory.samples == 3 && !planar) {
      std::copy_n(from, 3 * out.width, out.row(y));
    } else {
      convert_row(directory, from, steps, out.width, out.row(y));
    }
  }
}

}  // namespace lamella::slide
