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

int reduction_of(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px) {
  const slide::LevelInfo& level = info.levels.at(static_cast<size_t>(geometry.level));
  if (!level.reduces_by_area) return 1;
  return slide::reduction_for(
      level, std::min(geometry.level_extent_x_px, geometry.level_extent_y_px) / output_px /
                 kReadPxPerPatchPx);
}

}  // namespace

PatchWindows::PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info,
                           int output_px)
    : geometry_(geometry),
      reduction_(reduction_of(geometry, info, output_px)),
      downsample_x_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_x),
      downsample_y_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_y),
      output_px_(output_px),
      native_(geometry.level_extent_x_px == geometry.size_px &&
              geometry.level_extent_y_px == geometry.size_px),
      x_at_0_(0, geometry.level_extent_x_px / reduction_, output_px),
      y_at_0_(0, geometry.level_extent_y_px / reduction_, output_px) {
  if (max_bytes() > kMaxWindowBytes) {
    throw Error(
        ErrorCode::kLimit,
        fmt::format("found patches of {} x {} px at level {}, {} bytes each, expected at "
                    "most {} bytes; the slide has no level near this scale, take a finer one",
                    x_at_0_.length_px(), y_at_0_.length_px(), geometry.level, max_bytes(),
                    kMaxWindowBytes),
        info.path);
  }
}

int64_t PatchWindows::max_bytes() const {
  // One pixel more in each direction: a real-valued window may begin inside a pixel.
  return checked_mul(3 * (x_at_0_.length_px() + 1), y_at_0_.length_px() + 1, "bytes of a window");
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

ResampleAxis PatchWindows::axis_x(const PatchRow& row) const {
  return {level_x(row), geometry_.level_extent_x_px / reduction_, output_px_};
}

ResampleAxis PatchWindows::axis_y(const PatchRow& row) const {
  return {level_y(row), geometry_.level_extent_y_px / reduction_, output_px_};
}

RectPx PatchWindows::window(const PatchRow& row) const {
  if (has_one_axis()) {
    return {std::llround(level_x(row)), std::llround(level_y(row)), x_at_0_.length_px(),
            y_at_0_.length_px()};
  }
  const ResampleAxis x = axis_x(row), y = axis_y(row);
  return {x.first_px(), y.first_px(), x.length_px(), y.length_px()};
}

void PatchWindows::resample(const PatchRow& row, const ImageView& from, const MutableImageView& to,
                            ResampleScratch& scratch) const {
  if (has_one_axis()) {
    patch::resample(from, x_at_0_, y_at_0_, to, scratch);
  } else {
    patch::resample(from, axis_x(row), axis_y(row), to, scratch);
  }
}

}  // namespace lamella::patch
