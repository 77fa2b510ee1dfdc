// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/outline_check.h"

#include <fmt/format.h>

#include "lamella/base/text.h"

namespace lamella::patch {

namespace {

constexpr double kHardly = 0.1, kMuch = 0.5;  // parts of the boxes that are tissue

// Part of the outlines' boxes that is tissue, by area; outside the slide there is none.
double tissue_part(const annotation::AnnotationSet& set, const tissue::TissueMask& mask,
                   const annotation::FrameChange& change) {
  double tissue = 0, all = 0;
  for (const annotation::Polygon& polygon : set.polygons) {
    const RectF box = annotation::box_of(polygon, change);
    tissue += mask.fraction(box) * box.width * box.height;
    all += box.width * box.height;
  }
  return all > 0 ? tissue / all : 1;
}

double property(const slide::SlideInfo& info, const std::string& name) {
  const auto found = info.properties.find(name);
  return found == info.properties.end() ? 0 : parse_double(found->second).value_or(0);
}

}  // namespace

annotation::SlideFrame frame_of(const slide::SlideInfo& info) {
  annotation::SlideFrame frame{.size_px = info.size_px()};
  frame.bounds_px = {property(info, "openslide.bounds-x"), property(info, "openslide.bounds-y")};
  for (size_t level = 1; level < info.levels.size(); ++level) {
    frame.downsamples.push_back(info.levels[level].downsample_x);
  }
  frame.mpp = info.mpp;
  constexpr const char* kX = "hamamatsu.XOffsetFromSlideCentre";
  constexpr const char* kY = "hamamatsu.YOffsetFromSlideCentre";
  if (info.properties.contains(kX) && info.properties.contains(kY)) {
    frame.offset_from_centre_nm = PointF{property(info, kX), property(info, kY)};
  }
  return frame;
}

std::vector<std::string> check_outlines(const annotation::AnnotationSet& set,
                                        const slide::SlideInfo& info,
                                        const tissue::TissueMask& mask) {
  const annotation::SlideFrame frame = frame_of(info);
  std::vector<std::string> warnings = annotation::check_bounds(set, frame);
  const bool no_mask = mask.mask.width() <= 1 && mask.mask.height() <= 1;
  if (no_mask || set.polygons.empty() || mask.tissue_fraction <= 0) return warnings;
  const double now = tissue_part(set, mask, {});
  if (now >= kHardly) return warnings;
  std::string cause;
  for (const annotation::FrameChange& change : annotation::usual_frame_changes(frame)) {
    if (tissue_part(set, mask, change) < kMuch) continue;
    cause = "; there would be more if it is as if " + change.cause;
    break;
  }
  warnings.push_back(
      fmt::format("the outlines lie where there is hardly any tissue ({:.1f} % of "
                  "their boxes){}",
                  100 * now, cause));
  return warnings;
}

}  // namespace lamella::patch
