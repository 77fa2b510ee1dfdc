// SPDX-License-Identifier: Apache-2.0
// Which pixels are stained, and where nothing may be tissue: ink, and the scanner's black padding.
#pragma once

#include <opencv2/core.hpp>

#include "lamella/base/image.h"
#include "lamella/tissue/density_internal.h"

namespace lamella::tissue {

struct StainedInput {
  ImageView picture;  // smoothed
  ImageView flags;
  ImageView steps;       // of density
  ImageView barred;      // as find_barred's; no data: nothing is
  bool coloured = true;  // neutral pixels are no stain; else smooth ones are none
  int step = 7;          // above it a pixel is stained
};

enum : uint8_t { kBarredInk = 1, kBarredPadding = 2 };

// Pieces of ink of at least min_ink_px pixels with 3 px around, and 8 where it is of an ink's hue;
// nearly black pixels with 2 px around. Empty if there is nothing of these.
Image find_barred(const StainedInput& input, const DensityCounts& counts, double min_ink_px);

// Of the rows [first, last): 1 where stained, in `stained`, which is 0 before. A pixel far paler
// than its neighbours is their blur. `densest` is memory that a thread may use again.
void mark_stained(const StainedInput& input, int first, int last, cv::Mat& densest,
                  const MutableImageView& stained);

// What is barred becomes 0.
void clear_barred(const ImageView& barred, const MutableImageView& mask);

}  // namespace lamella::tissue
