// SPDX-License-Identifier: Apache-2.0
// From a row of a plan to the level's pixels it is made of. Where patches are reduced by four or
// more, the level is read at 1 / reduction() if its tiles can be decoded so; "level" below is that.
#pragma once

#include "lamella/patch/patch_plan.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {

class PatchWindows {
 public:
  // Error kLimit if a window or the reduction to output_px is too large.
  PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px);

  int reduction() const { return reduction_; }

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
  // All patches have the same axes but for a whole number of px.
  bool has_one_axis() const { return native_ && reduction_ == 1; }
  double level_x(const PatchRow& row) const;
  double level_y(const PatchRow& row) const;
  ResampleAxis axis_x(const PatchRow& row) const;
  ResampleAxis axis_y(const PatchRow& row) const;

  PatchGeometry geometry_;
  int reduction_ = 1;
  double downsample_x_ = 1;
  double downsample_y_ = 1;
  int output_px_ = 0;
  // The level's own pixels: positions are rounded to whole level px, and all patches have the same
  // axes but for a shift.
  bool native_ = false;
  ResampleAxis x_at_0_, y_at_0_;
};

}  // namespace lamella::patch
