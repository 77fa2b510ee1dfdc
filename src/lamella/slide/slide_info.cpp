// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/slide_info.h"

#include <fmt/format.h>

#include "lamella/base/error.h"

namespace lamella::slide {

LevelInfo reduced_level(const LevelInfo& level, int reduction) {
  if (reduction < 1 || reduction > level.max_reduction || (reduction & (reduction - 1)) != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("a reduction by {} was asked for; expected a power of two up to {}",
                            reduction, level.max_reduction));
  }
  LevelInfo reduced = level;
  reduced.size_px = {level.size_px.width / reduction, level.size_px.height / reduction};
  reduced.tile_px = {level.tile_px.width / reduction, level.tile_px.height / reduction};
  reduced.downsample_x *= reduction;
  reduced.downsample_y *= reduction;
  reduced.max_reduction /= reduction;
  return reduced;
}

int reduction_for(const LevelInfo& level, double factor) {
  int reduction = 1;
  while (2 * reduction <= level.max_reduction && 2 * reduction <= factor * 1.001) reduction *= 2;
  return reduction;
}

int reduction_to(const LevelInfo& level, const SizePx& size) {
  int reduction = 1;
  while (2 * reduction <= level.max_reduction &&
         level.size_px.width / (2 * reduction) >= size.width &&
         level.size_px.height / (2 * reduction) >= size.height) {
    reduction *= 2;
  }
  return reduction;
}

std::string_view to_string(MppSource source) {
  switch (source) {
    case MppSource::kNone:
      return "none";
    case MppSource::kVendor:
      return "vendor";
    case MppSource::kResolutionTags:
      return "resolution tags";
    case MppSource::kUser:
      return "user";
  }
  return "none";
}

std::string mpp_hint(const SlideInfo& info) {
  if (info.mpp || !info.objective_power) return {};
  // A camera's pixel is about 10 µm.
  return fmt::format(" (the file says objective power {:g}: if so, {:g} µm/px)",
                     *info.objective_power, 10 / *info.objective_power);
}

int level_for_downsample(const SlideInfo& info, double downsample) {
  int best = 0;
  for (size_t level = 1; level < info.levels.size(); ++level) {
    const LevelInfo& candidate = info.levels[level];
    const double mean = (candidate.downsample_x + candidate.downsample_y) / 2;
    if (mean <= downsample * 1.01) best = static_cast<int>(level);
  }
  return best;
}

}  // namespace lamella::slide
