// SPDX-License-Identifier: Apache-2.0
// From a row of a plan to the level's pixels it is made of: one window that holds all its fields of
// view, which are resampled from parts of it. Where patches are reduced by four or
// more, the level is read at 1 / reduction() if its tiles can be decoded so; "level" below is that.
#pragma once

#include "lamella/patch/patch_plan.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {

class PatchWindows {
 public:
  // Error kLimit if a window or the reduction to output_px is too large.
  // views: sides of the fields of view in sides of the patch, about its centre.
  PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px,
               const std::vector<double>& views);

  int reduction() const { return reduction_; }

  // No resampling: the window's pixels are the patch.
  bool is_copy() const {
    return has_one_axis() && views_.size() == 1 && views_[0].at_0.x.is_copy() &&
           views_[0].at_0.y.is_copy();
  }
  // Most bytes that a window takes.
  int64_t max_bytes() const;

  // px of the level; may reach outside it.
  RectPx window(const PatchRow& row) const;
  // `from`: the pixels of window(row); `to`: output_px x output_px of each view, one below another.
  void resample(const PatchRow& row, const ImageView& from, const MutableImageView& to,
                ResampleScratch& scratch) const;

 private:
  struct Axes {
    ResampleAxis x, y;
  };
  // In px of the level that is read; the patch itself is the view of side 1.
  struct View {
    double extent_x = 0, extent_y = 0;
    double offset_x = 0, offset_y = 0;  // of its corner from the patch's
    Axes at_0;                          // of a patch whose corner is at 0
  };

  // All patches have the same axes but for a whole number of px.
  bool has_one_axis() const { return native_ && reduction_ == 1; }
  double level_x(const PatchRow& row) const;
  double level_y(const PatchRow& row) const;
  Axes axes(const PatchRow& row, const View& view) const;

  int reduction_ = 1;
  double downsample_x_ = 1;
  double downsample_y_ = 1;
  int output_px_ = 0;
  // The level's own pixels: positions are rounded to whole level px, and all patches have the same
  // axes but for a shift.
  bool native_ = false;
  std::vector<View> views_;
  size_t largest_ = 0;  // of views_: holds all others
};

}  // namespace lamella::patch
