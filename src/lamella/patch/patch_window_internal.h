// SPDX-License-Identifier: Apache-2.0
// From a row of a plan to the level's pixels it is made of: one window that holds all its fields of
// view, which are resampled from parts of it: first to their pixels at the patch's scale, then from
// these to output_px. Where the first of these that there is reduces by four or more, the level is
// read at 1 / reduction() if its tiles can be decoded so; "level" below is that.
#pragma once

#include <optional>
#include <vector>

#include "lamella/patch/patch_plan.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {

class PatchWindows {
 public:
  // Error kLimit if a window, a field of view or the reduction to either size is too large.
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
    double offset_x = 0, offset_y = 0;           // of its corner from the patch's
    int made_px = 0;                             // side of what is made of the level
    Axes at_0;                                   // of a patch whose corner is at 0
    std::optional<ResampleAxis> to_output = {};  // from made_px, where it is not output_px
  };

  // All patches have the same axes but for a whole number of px.
  bool has_one_axis() const { return native_ && reduction_ == 1; }
  void check_size(const std::string& path) const;
  // From the pixels of its part of the window.
  static void resample_view(const View& view, const Axes& axes, const ImageView& from,
                            const MutableImageView& to, ResampleScratch& scratch);
  double level_x(const PatchRow& row) const;
  double level_y(const PatchRow& row) const;
  Axes axes(const PatchRow& row, const View& view) const;

  int reduction_ = 1;
  double downsample_x_ = 1;
  double downsample_y_ = 1;
  int output_px_ = 0;
  // The level's own pixels are those at the patch's scale: positions are rounded to whole level px,
  // and all patches have the same axes but for a shift.
  bool native_ = false;
  std::vector<View> views_;
  size_t largest_ = 0;  // of views_: holds all others
};

}  // namespace lamella::patch
