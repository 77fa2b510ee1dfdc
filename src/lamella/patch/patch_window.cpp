// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/patch/patch_window_internal.h"

namespace lamella::patch {

namespace {

constexpr int64_t kMaxWindowBytes = int64_t{512} << 20;

// At least two of the pixels that are read make one of the patch's: windows begin between pixels,
// and one pixel alone would then be shared out to two.
constexpr int kReadPxPerPatchPx = 2;

// smallest: field of view, in sides of the patch.
int reduction_of(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px,
                 double smallest) {
  const slide::LevelInfo& level = info.levels.at(static_cast<size_t>(geometry.level));
  if (!level.reduces_by_area) return 1;
  return slide::reduction_for(
      level, smallest * std::min(geometry.level_extent_x_px, geometry.level_extent_y_px) /
                 output_px / kReadPxPerPatchPx);
}

}  // namespace

PatchWindows::PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info,
                           int output_px, const std::vector<double>& views)
    : reduction_(
          reduction_of(geometry, info, output_px, *std::min_element(views.begin(), views.end()))),
      downsample_x_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_x),
      downsample_y_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_y),
      output_px_(output_px),
      native_(geometry.level_extent_x_px == geometry.size_px &&
              geometry.level_extent_y_px == geometry.size_px) {
  const double patch_x = geometry.level_extent_x_px / reduction_;
  const double patch_y = geometry.level_extent_y_px / reduction_;
  for (const double side : views) {
    const double x = (1 - side) / 2 * patch_x, y = (1 - side) / 2 * patch_y;
    views_.push_back({side * patch_x,
                      side * patch_y,
                      x,
                      y,
                      {{x, side * patch_x, output_px}, {y, side * patch_y, output_px}}});
    if (side > views[largest_]) largest_ = views_.size() - 1;
  }
  if (max_bytes() > kMaxWindowBytes) {
    const View& largest = views_[largest_];
    throw Error(
        ErrorCode::kLimit,
        fmt::format("found patches of {} x {} px at level {}, {} bytes each, expected at "
                    "most {} bytes; the slide has no level near this scale, take a finer one",
                    largest.at_0.x.length_px(), largest.at_0.y.length_px(), geometry.level,
                    max_bytes(), kMaxWindowBytes),
        info.path);
  }
}

int64_t PatchWindows::max_bytes() const {
  // One pixel more in each direction: a real-valued window may begin inside a pixel.
  const View& view = views_[largest_];
  return checked_mul(3 * (view.at_0.x.length_px() + 1), view.at_0.y.length_px() + 1,
                     "bytes of a window");
}

// In px of the level that is read.
double PatchWindows::level_x(const PatchRow& row) const {
  const double x = static_cast<double>(row.x_px) / downsample_x_;
  return (native_ ? std::round(x) : x) / reduction_;
}

double PatchWindows::level_y(const PatchRow& row) const {
  const double y = static_cast<double>(row.y_px) / downsample_y_;
  return (native_ ? std::round(y) : y) / reduction_;
}

PatchWindows::Axes PatchWindows::axes(const PatchRow& row, const View& view) const {
  return {{level_x(row) + view.offset_x, view.extent_x, output_px_},
          {level_y(row) + view.offset_y, view.extent_y, output_px_}};
}

RectPx PatchWindows::window(const PatchRow& row) const {
  const View& view = views_[largest_];
  if (has_one_axis()) {
    const auto& [x, y] = view.at_0;
    return {std::llround(level_x(row)) + x.first_px(), std::llround(level_y(row)) + y.first_px(),
            x.length_px(), y.length_px()};
  }
  const auto [x, y] = axes(row, view);
  return {x.first_px(), y.first_px(), x.length_px(), y.length_px()};
}

void PatchWindows::resample(const PatchRow& row, const ImageView& from, const MutableImageView& to,
                            ResampleScratch& scratch) const {
  const auto resample_view = [&](size_t i, const Axes& whole, const Axes& view) {
    const ImageView pixels =
        crop(from, {view.x.first_px() - whole.x.first_px(), view.y.first_px() - whole.y.first_px(),
                    view.x.length_px(), view.y.length_px()});
    const MutableImageView out = {to.row(static_cast<int>(i) * output_px_), output_px_, output_px_,
                                  to.channels, to.stride};
    patch::resample(pixels, view.x, view.y, out, scratch);
  };
  if (has_one_axis()) {
    for (size_t i = 0; i < views_.size(); ++i) {
      resample_view(i, views_[largest_].at_0, views_[i].at_0);
    }
    return;
  }
  const Axes whole = axes(row, views_[largest_]);
  for (size_t i = 0; i < views_.size(); ++i) {
    if (i == largest_) {
      resample_view(i, whole, whole);
    } else {
      resample_view(i, whole, axes(row, views_[i]));
    }
  }
}

}  // namespace lamella::patch
