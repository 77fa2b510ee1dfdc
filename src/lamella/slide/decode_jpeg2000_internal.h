// SPDX-License-Identifier: Apache-2.0
// One JPEG 2000 codestream, as Aperio stores it in a TIFF tile, to RGB.
#pragma once

#include <cstddef>
#include <span>

#include "lamella/base/image.h"

namespace lamella::slide {

// What the TIFF says of three components. The stream's word wins: colours that it mixed itself
// (multiple component transform) are RGB, halved chroma is YCbCr's, and a JP2 file names them.
// kSamples: as many as `out` has channels, as they are.
enum class Jpeg2000Colour { kRgb, kYcbcr, kSamples };

// A codestream or a JP2 file. `out` is w x h x 3 (with kSamples: any), w and h those of the stream
// divided by the reduction (1, 2, 4 ..., at most 2 to the number of its wavelet levels). Chroma may
// be stored at half resolution; a sample then serves two pixels. YCbCr to RGB by JFIF's formula.
// Error kCorrupt (without a path) on any error of OpenJPEG, or a warning that touches pixels, or if
// size, components or precision are not the tile's.
void decode_jpeg2000(std::span<const std::byte> bytes, Jpeg2000Colour colour, int reduction,
                     const MutableImageView& out);

// The number of wavelet levels of a codestream, from its first bytes (256 are plenty); 0 if they do
// not say.
int jpeg2000_wavelet_levels(std::span<const std::byte> start);

}  // namespace lamella::slide
