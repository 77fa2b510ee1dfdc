// SPDX-License-Identifier: Apache-2.0
// Connected pieces and holes of a mask, by runs of equal pixels in a row: memory and time for
// labels go with the outlines, not with the pixels.
#pragma once

#include "lamella/base/image.h"

namespace lamella::tissue {

// In a mask (1 channel, 0 or 255), pieces of 255 that touch also at corners: those of fewer than
// min_area_px pixels become 0.
void drop_small_pieces(const MutableImageView& mask, double min_area_px);

// In such a mask, holes of 0 that touch at sides: those of fewer than max_hole_px pixels that do
// not reach the edge become 255.
void fill_small_holes(const MutableImageView& mask, double max_hole_px);

// Pieces at least min_length_px long, straight, and on the mean less than max_width_px wide become
// 0: edges of coverslips.
void drop_straight_lines(const MutableImageView& mask, double min_length_px, double max_width_px);

}  // namespace lamella::tissue
