// SPDX-License-Identifier: Apache-2.0
// Tissue in a small RGB image of a slide.
#pragma once

#include "lamella/base/context.h"
#include "lamella/base/image.h"

namespace lamella::tissue {

struct SegmentOptions {
  double min_saturation = 0.05;  // 0-1
  double min_area_px = 0;        // smaller pieces are dropped
  double max_hole_px = 0;        // smaller holes, not at the image's edge, are filled
};

struct Segmentation {
  Image mask;            // h x w x 1, 255 tissue
  double threshold = 0;  // saturation above which a pixel was tissue
};

// Saturation (max - min) / max of the smoothed pixels against Otsu's threshold (IEEE Trans. SMC 9,
// 1979), which is looked for again below the first one if the first cut off pale tissue. If even
// the paler class is coloured like tissue there is no background, and min_saturation decides alone.
// Near-black and pure white pixels are no tissue. The same for any thread count.
Segmentation segment_tissue(const ImageView& rgb, const SegmentOptions& options,
                            const Context& context = {});

}  // namespace lamella::tissue
