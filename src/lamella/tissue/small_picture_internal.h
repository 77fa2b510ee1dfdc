// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lamella/base/context.h"
#include "lamella/base/image.h"
#include "lamella/slide/slide.h"

namespace lamella::tissue {

// The whole level at `size` (not larger than the level), each pixel the mean of the area it covers,
// rounded half up; of tiles decoded at a reduced size where they can be. Read block by block:
// memory beyond the picture does not grow with the slide. Error kCorrupt of the first tile that
// cannot be decoded.
Image read_small_picture(const slide::Slide& slide, int level, SizePx size, const Context& context);

}  // namespace lamella::tissue
