// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/patch_plan.h"

#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"

namespace lamella::patch {

namespace {

constexpr double kSameScale = 0.01;  // a level this close to the target is the target
constexpr double kMaxAnisotropy = 0.05;

PatchGeometry native_geometry(const PatchSpec& spec, const slide::SlideInfo& info, int level) {
  const slide::LevelInfo& read = info.levels[static_cast<size_t>(level)];
  PatchGeometry geometry;
  geometry.size_px = spec.size_px;
  geometry.level = level;
  geometry.extent_x_px = spec.size_px * read.downsample_x;
  geometry.extent_y_px = spec.size_px * read.downsample_y;
  geometry.level_extent_x_px = spec.size_px;
  geometry.level_extent_y_px = spec.size_px;
  if (info.mpp) {
    geometry.effective_mpp =
        (info.mpp->x * read.downsample_x + info.mpp->y * read.downsample_y) / 2;
  }
  geometry.slide_size_px = info.size_px();
  return geometry;
}

PatchGeometry geometry_by_mpp(const PatchSpec& spec, const slide::SlideInfo& info) {
  const double target = *spec.mpp;
  if (!info.mpp) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("patches at {} um/px are asked of a slide whose mpp is unknown{}; give "
                            "`slide_mpp`, or ask for a `level`",
                            target, slide::mpp_hint(info)),
                info.path);
  }
  const Mpp mpp = *info.mpp;
  if (std::abs(mpp.x - mpp.y) > kMaxAnisotropy * std::min(mpp.x, mpp.y)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} um/px in x and {} in y, expected them to agree within 5 %; "
                            "give the right `slide_mpp`, or ask for a `level`",
                            mpp.x, mpp.y),
                info.path);
  }
  const double downsample_x = target / mpp.x, downsample_y = target / mpp.y;
  const int level = slide::level_for_downsample(info, std::min(downsample_x, downsample_y));
  PatchGeometry geometry = native_geometry(spec, info, level);
  const slide::LevelInfo& read = info.levels[static_cast<size_t>(level)];
  if (std::abs(downsample_x / read.downsample_x - 1) <= kSameScale &&
      std::abs(downsample_y / read.downsample_y - 1) <= kSameScale) {
    return geometry;
  }
  geometry.extent_x_px = spec.size_px * downsample_x;
  geometry.extent_y_px = spec.size_px * downsample_y;
  geometry.level_extent_x_px = geometry.extent_x_px / read.downsample_x;
  geometry.level_extent_y_px = geometry.extent_y_px / read.downsample_y;
  geometry.effective_mpp = target;
  return geometry;
}

}  // namespace

PatchGeometry resolve_geometry(const PatchSpec& spec, const slide::SlideInfo& info) {
  spec.validate();
  if (spec.mpp) return geometry_by_mpp(spec, info);
  if (static_cast<size_t>(*spec.level) >= info.levels.size()) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("found no level {}; the slide has {} (0 to {}), give one of them or "
                            "an mpp",
                            *spec.level, info.levels.size(), info.levels.size() - 1),
                info.path);
  }
  return native_geometry(spec, info, *spec.level);
}

RectF patch_rect(const PatchGeometry& geometry, int64_t x_px, int64_t y_px) {
  return {static_cast<double>(x_px), static_cast<double>(y_px), geometry.extent_x_px,
          geometry.extent_y_px};
}

}  // namespace lamella::patch
