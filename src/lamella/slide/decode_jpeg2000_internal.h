// SPDX-License-Identifier: Apache-2.0
// One JPEG 2000 codestream, as Aperio stores it in a TIFF tile, to RGB.
#pragma once

#include <cstddef>
#include <span>

#include "lamella/base/image.h"

namespace lamella::slide {

enum class Jpeg2000Colour { kRgb, kYcbcr };

// `out` is w x h x 3. Chroma may be stored at half resolution; a sample then serves two pixels.
// YCbCr to RGB by JFIF's formula. Error kCorrupt (without a path) on any error or warning of
// OpenJPEG, or if size, components or precision are not the tile's.
void decode_jpeg2000(std::span<const std::byte> bytes, Jpeg2000Colour colour,
                     const MutableImageView& out);

}  // namespace lamella::slide
