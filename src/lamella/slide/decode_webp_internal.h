// SPDX-License-Identifier: Apache-2.0
// One WebP picture, as it lies in a TIFF tile or strip, to RGB or RGBA.
#pragma once

#include <cstddef>
#include <span>

#include "lamella/base/image.h"

namespace lamella::slide {

// `out` has 3 or 4 channels and the picture's width; a file's last strip may be stored with more
// rows, up to `most_rows`. Error kCorrupt (without a path) if it is damaged or of another size.
void decode_webp(std::span<const std::byte> bytes, int most_rows, const MutableImageView& out);

}  // namespace lamella::slide
