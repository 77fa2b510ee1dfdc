// SPDX-License-Identifier: Apache-2.0
// From a row of a plan to the level's pixels it is made of.
#pragma once

#include "lamella/patch/patch_plan.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {

class PatchWindows {
 public:
  // Error kLimit if a window or the reduction to output_px is too large.
  PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px);

  // No resampling: the window's pixels are the patch.
  bool is_copy() const { return native_ && x_at_0_.is_copy() && y_at_0_.is_copy(); }
  // Most bytes that a window takes.
  int64_t max_bytes() const;

  // px of the level; may reach outside it.
  RectPx window(const PatchRow& row) const;
  // `from`: the pixels of window(row); `to`: output_px x output_px.
  void resample(const PatchRow& row, const ImageView& from, const MutableImageView& to,
                ResampleScratch& scratch) const;

 private:
  ResampleAxis axis_x(const PatchRow& row) const;
  ResampleAxis axis_y(const PatchRow& row) const;

  PatchGeometry geometry_;
  double downsample_x_ = 1;
  double downsample_y_ = 1;
  int output_px_ = 0;
  // The level's own pixels: positions are rounded to whole level px, and all patches have the same
  // axes but for a shift.
  bool native_ = false;
  ResampleAxis x_at_0_, y_at_0_;
};

}  // namespace lamella::patch
