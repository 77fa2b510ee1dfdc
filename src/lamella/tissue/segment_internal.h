// SPDX-License-Identifier: Apache-2.0
// Tissue in a small RGB picture of a slide.
#pragma once

#include "lamella/base/context.h"
#include "lamella/base/image.h"
#include "lamella/tissue/shape_internal.h"
#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

struct SegmentOptions {
  double min_density = 0.018;  // optical density against the glass
  ShapeOptions shape;
  double min_area_px = 0;         // smaller pieces are dropped
  double max_hole_px = 0;         // smaller holes, not at the picture's edge, are filled
  double min_ink_px = 625;        // smaller pieces of ink are none
  double min_line_px = 150;       // length of the edge of a coverslip
  double max_line_width_px = 14;  // its width, with its shadow
};

struct Segmentation {
  Image mask;            // h x w x 1, 255 tissue
  Image left_out;        // h x w x 1, LeftOut: why what is no glass is no tissue
  double threshold = 0;  // optical density above which a pixel was stained
  SlideLook look;
};

// Optical density against the slide's own glass, where light is uneven against the glass nearby.
// Ink (a hue that no stain has, in pieces) is left out with a few pixels around; so are, on a slide
// with colours, what is neutral (shadows, dust, edges of coverslips), on a grey one what is smooth;
// then long, straight, thin pieces. What remains is closed to tissue (close_tissue), small pieces
// are dropped and small holes filled. The same for any thread count.
Segmentation segment_tissue(Image picture, const SegmentOptions& options,
                            const Context& context = {});

}  // namespace lamella::tissue
