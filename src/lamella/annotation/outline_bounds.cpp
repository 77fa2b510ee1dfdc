// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/outline_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/annotation/area_index_internal.h"
#include "lamella/base/error.h"

namespace lamella::annotation {

namespace {

constexpr double kSomeOutside = 0.01, kMostOutside = 0.5;  // parts of an outline's area
constexpr double kMostInside = 0.99;                       // of points, where a cause explains all

bool is_inside(const RectF& box, const SizePx& size) {
  return box.x >= -1 && box.y >= -1 && box.x + box.width <= static_cast<double>(size.width) + 1 &&
         box.y + box.height <= static_cast<double>(size.height) + 1;
}

// Part of the outline's area that lies outside, 0-1.
double outside_part(const Polygon& polygon, const SizePx& size) {
  if (is_inside(box_of(polygon), size)) return 0;
  const AreaIndex index({polygon.ring});
  const double area = std::abs(index.area());
  const double inside = std::abs(
      index.area_inside({0, 0, static_cast<double>(size.width), static_cast<double>(size.height)}));
  // A figure of eight may have no area to speak of.
  return area > 0 ? std::clamp(1 - inside / area, 0.0, 1.0) : 1;
}

std::string likely_cause(const AnnotationSet& set, const SlideFrame& frame) {
  for (const FrameChange& change : usual_frame_changes(frame)) {
    const auto fits = std::count_if(
        set.polygons.begin(), set.polygons.end(),
        [&](const Polygon& polygon) { return is_inside(box_of(polygon, change), frame.size_px); });
    if (static_cast<double>(fits) >= kMostInside * static_cast<double>(set.polygons.size())) {
      return "; it is as if " + change.cause;
    }
  }
  return "";
}

RectF box_of_all(const AnnotationSet& set) {
  RectF all = box_of(set.polygons.front());
  for (const Polygon& polygon : set.polygons) {
    const RectF box = box_of(polygon);
    const double right = std::max(all.x + all.width, box.x + box.width);
    const double bottom = std::max(all.y + all.height, box.y + box.height);
    all.x = std::min(all.x, box.x);
    all.y = std::min(all.y, box.y);
    all.width = right - all.x;
    all.height = bottom - all.y;
  }
  return all;
}

}  // namespace

PointF FrameChange::apply(const PointF& point) const {
  const double x = exchanged ? point.y : point.x, y = exchanged ? point.x : point.y;
  return {scale_x * x + offset_px.x, scale_y * y + offset_px.y};
}

std::vector<FrameChange> usual_frame_changes(const SlideFrame& frame) {
  std::vector<FrameChange> changes;
  const auto width = static_cast<double>(frame.size_px.width);
  const auto height = static_cast<double>(frame.size_px.height);
  if (frame.bounds_px != PointF{}) {
    changes.push_back({.cause = fmt::format("they were drawn in the scanned part alone, which "
                                            "begins at {:g}, {:g} (add these)",
                                            frame.bounds_px.x, frame.bounds_px.y),
                       .offset_px = frame.bounds_px});
    changes.push_back({.cause = fmt::format("the scanned part's beginning, {:g}, {:g}, had been "
                                            "added (take it off)",
                                            frame.bounds_px.x, frame.bounds_px.y),
                       .offset_px = {-frame.bounds_px.x, -frame.bounds_px.y}});
  }
  for (const double down : frame.downsamples) {
    changes.push_back({.cause = fmt::format("they were drawn on the level that is {:.4g} times "
                                            "smaller (multiply by it)",
                                            down),
                       .scale_x = down,
                       .scale_y = down});
  }
  for (const double factor : {2.0, 4.0, 8.0, 16.0, 32.0, 64.0}) {
    changes.push_back({.cause = fmt::format("they were {:g} times too large, of another scale or "
                                            "magnification (divide by it)",
                                            factor),
                       .scale_x = 1 / factor,
                       .scale_y = 1 / factor});
    changes.push_back({.cause = fmt::format("they were {:g} times too small, of another scale or "
                                            "level (multiply by it)",
                                            factor),
                       .scale_x = factor,
                       .scale_y = factor});
  }
  changes.push_back({.cause = "x and y were exchanged", .exchanged = true});
  changes.push_back({.cause = "y were negative (turn its sign)", .scale_y = -1});
  changes.push_back({.cause = "y ran upwards (take it from the slide's height)",
                     .scale_y = -1,
                     .offset_px = {0, height}});
  changes.push_back({.cause = "x ran to the left (take it from the slide's width)",
                     .scale_x = -1,
                     .offset_px = {width, 0}});
  return changes;
}

RectF box_of(const Polygon& polygon, const FrameChange& change) {
  constexpr double kFar = std::numeric_limits<double>::max();
  double x0 = kFar, y0 = kFar, x1 = -kFar, y1 = -kFar;
  for (const PointF& point : polygon.ring) {
    const PointF at = change.apply(point);
    x0 = std::min(x0, at.x);
    y0 = std::min(y0, at.y);
    x1 = std::max(x1, at.x);
    y1 = std::max(y1, at.y);
  }
  return {x0, y0, x1 - x0, y1 - y0};
}

std::vector<std::string> check_bounds(const AnnotationSet& set, const SlideFrame& frame) {
  int64_t wholly = 0, partly = 0, mostly = 0;
  for (const Polygon& polygon : set.polygons) {
    const double outside = outside_part(polygon, frame.size_px);
    wholly += outside >= 1;
    partly += outside > kSomeOutside && outside < 1;
    mostly += outside > kMostOutside;
  }
  if (wholly + partly == 0) return {};
  const RectF box = box_of_all(set);
  const std::string found = fmt::format(
      "{} of {} outlines lie outside the slide of {} x {} px, {} wholly; they reach "
      "from {:.6g}, {:.6g} to {:.6g}, {:.6g}",
      wholly + partly, set.polygons.size(), frame.size_px.width, frame.size_px.height, wholly,
      box.x, box.y, box.x + box.width, box.y + box.height);
  if (2 * mostly <= static_cast<int64_t>(set.polygons.size())) return {found};
  const std::string cause = likely_cause(set, frame);
  throw Error(ErrorCode::kMismatch,
              fmt::format("{}{}; expected level-0 px of this slide", found,
                          cause.empty() ? "; are they another slide's?" : cause),
              set.path);
}

}  // namespace lamella::annotation
