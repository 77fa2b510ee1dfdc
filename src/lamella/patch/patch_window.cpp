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

// At least two of the pixels that are read make one of those that are made of them: windows begin
// between pixels, and one pixel alone would then be shared out to two.
constexpr int kReadPxPerMadePx = 2;

bool is_native(const PatchGeometry& geometry) {
  return geometry.level_extent_x_px == geometry.size_px &&
         geometry.level_extent_y_px == geometry.size_px;
}

// Side of what is made of the level for a field of view of so many sides of the patch: its pixels
// at the patch's scale, or the output's at once where the level has these already.
int made_px(const PatchGeometry& geometry, int output_px, double side) {
  if (is_native(geometry)) return output_px;
  return std::max(1, static_cast<int>(std::lround(side * geometry.size_px)));
}

int reduction_of(const PatchGeometry& geometry, const slide::SlideInfo& info, int output_px,
                 const std::vector<double>& views) {
  const slide::LevelInfo& level = info.levels.at(static_cast<size_t>(geometry.level));
  if (!level.reduces_by_area) return 1;
  const double patch = std::min(geometry.level_extent_x_px, geometry.level_extent_y_px);
  double least = static_cast<double>(level.max_reduction) * kReadPxPerMadePx;
  for (const double side : views) {
    least = std::min(least, side * patch / made_px(geometry, output_px, side));
  }
  return slide::reduction_for(level, least / kReadPxPerMadePx);
}

}  // namespace

PatchWindows::PatchWindows(const PatchGeometry& geometry, const slide::SlideInfo& info,
                           int output_px, const std::vector<double>& views)
    : reduction_(reduction_of(geometry, info, output_px, views)),
      downsample_x_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_x),
      downsample_y_(info.levels.at(static_cast<size_t>(geometry.level)).downsample_y),
      output_px_(output_px),
      native_(is_native(geometry)) {
  const double patch_x = geometry.level_extent_x_px / reduction_;
  const double patch_y = geometry.level_extent_y_px / reduction_;
  for (const double side : views) {
    const double x = (1 - side) / 2 * patch_x, y = (1 - side) / 2 * patch_y;
    const int made = made_px(geometry, output_px, side);
    views_.push_back({side * patch_x,
                      side * patch_y,
                      x,
                      y,
                      made,
                      {{x, side * patch_x, made}, {y, side * patch_y, made}}});
    if (made != output_px) views_.back().to_output.emplace(0, made, output_px);
    if (side > views[largest_]) largest_ = views_.size() - 1;
  }
  check_size(info.path);
}

void PatchWindows::check_size(const std::string& path) const {
  const View& largest = views_[largest_];
  const int64_t made_bytes = int64_t{3} * largest.made_px * largest.made_px;
  if (max_bytes() <= kMaxWindowBytes && made_bytes <= kMaxWindowBytes) return;
  throw Error(ErrorCode::kLimit,
              fmt::format("found patches of {} x {} px, made of {} x {} px of the slide's nearest "
                          "level, expected at most {} bytes of each; take smaller patches, or a "
                          "scale that is nearer to one of the slide's levels",
                          largest.made_px, largest.made_px, largest.at_0.x.length_px(),
                          largest.at_0.y.length_px(), kMaxWindowBytes),
              path);
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
  return {{level_x(row) + view.offset_x, view.extent_x, view.made_px},
          {level_y(row) + view.offset_y, view.extent_y, view.made_px}};
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

void PatchWindows::resample_view(const View& view, const Axes& axes, const ImageView& from,
                                 const MutableImageView& to, ResampleScratch& scratch) {
  if (!view.to_output) return patch::resample(from, axes.x, axes.y, to, scratch);
  scratch.made.resize(size_t{3} * view.made_px * view.made_px);
  const MutableImageView made = {scratch.made.data(), view.made_px, view.made_px, 3,
                                 ptrdiff_t{3} * view.made_px};
  patch::resample(from, axes.x, axes.y, made, scratch);
  patch::resample(made, *view.to_output, *view.to_output, to, scratch);
}

void PatchWindows::resample(const PatchRow& row, const ImageView& from, const MutableImageView& to,
                            ResampleScratch& scratch) const {
  const auto resample_part = [&](size_t i, const Axes& whole, const Axes& part) {
    const ImageView pixels =
        crop(from, {part.x.first_px() - whole.x.first_px(), part.y.first_px() - whole.y.first_px(),
                    part.x.length_px(), part.y.length_px()});
    const MutableImageView out = {to.row(static_cast<int>(i) * output_px_), output_px_, output_px_,
                                  to.channels, to.stride};
    resample_view(views_[i], part, pixels, out, scratch);
  };
  if (has_one_axis()) {
    for (size_t i = 0; i < views_.size(); ++i) {
      resample_part(i, views_[largest_].at_0, views_[i].at_0);
    }
    return;
  }
  const Axes whole = axes(row, views_[largest_]);
  for (size_t i = 0; i < views_.size(); ++i) {
    if (i == largest_) {
      resample_part(i, whole, whole);
    } else {
      resample_part(i, whole, axes(row, views_[i]));
    }
  }
}

}  // namespace lamella::patch
