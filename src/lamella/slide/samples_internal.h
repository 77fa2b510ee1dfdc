// SPDX-License-Identifier: Apache-2.0
// Decoded samples of a TIFF to RGB over white.
#pragma once

#include <cstdint>
#include <span>

#include "lamella/base/image.h"
#include "lamella/slide/tiff_file_internal.h"

namespace lamella::slide {

// `samples` are those of out.width x out.height pixels, all of a pixel's together, or, if the
// directory stores planes apart, plane after plane. Grey, 0 white or black, with or without alpha,
// palette, RGB and RGBA; an extra sample without a meaning is left out.
void convert_samples(const TiffDirectory& directory, std::span<const uint8_t> samples,
                     const MutableImageView& out);

}  // namespace lamella::slide
