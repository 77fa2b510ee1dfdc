// SPDX-License-Identifier: Apache-2.0
// From stained pixels to tissue: gaps closed, the spaces of fat and lung between thin walls filled.
#pragma once

#include "lamella/base/image.h"

namespace lamella::tissue {

struct ShapeOptions {
  int gap_px = 5;   // half of the widest gap that is closed
  int air_px = 12;  // half of the widest space between thin walls that is filled
};

// 0 / 1 in, 0 / 255 out: closing by an octagon of gap_px; where walls of at most 4 px stand close
// enough together, closing by one of air_px. Where `barred` (empty: nowhere) is not 0 nothing is
// tissue. Then what is one or two pixels wide is dropped. The same for any thread count.
void close_tissue(const ImageView& stained, const ImageView& barred, const ShapeOptions& options,
                  const MutableImageView& mask, int threads);

}  // namespace lamella::tissue
