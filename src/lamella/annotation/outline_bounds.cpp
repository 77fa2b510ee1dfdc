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
double outside_part(const std::vector<PointF>& ring, const SizePx& size) {
  const AreaIndex index({ring});
  const double area = std::abs(index.area());
  const double inside = std::abs(
      index.area_inside({0, 0, static_cast<double>(size.width), static_cast<double>(size.height)}));
  // A figure of eight may have no area to speak of.
  return area > 0 ? std::clamp(1 - inside / area, 0.0, 1.0) : 1;
}

RectF box_of_points(const std::vector<PointF>& ring, const FrameChange& change) {
  constexpr double kFar = std::numeric_limits<double>::max();
  double x0 = kFar, y0 = kFar, x1 = -kFar, y1 = -kFar;
  for (const PointF& point : ring) {
    const PointF at = change.apply(point);
    x0 = std::min(x0, at.x);
    y0 = std::min(y0, at.y);
    x1 = std::max(x1, at.x);
    y1 = std::max(y1, at.y);
  }
  return {x0, y0, x1 - x0, y1 - y0};
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
  changes.push_back({.cause = "x and y were exchanged", .exchanged = true});
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
  return box_of_points(polygon.ring, change);
}

BoundsCheck::BoundsCheck(SlideFrame frame)
    : frame_(std::move(frame)), changes_(usual_frame_changes(frame_)), fits_(changes_.size(), 0) {}

void BoundsCheck::add(const std::vector<PointF>& ring) {
  const RectF box = box_of_points(ring, {});
  if (outlines_++ == 0) {
    box_ = box;
  } else {
    const double right = std::max(box_.x + box_.width, box.x + box.width);
    const double bottom = std::max(box_.y + box_.height, box.y + box.height);
    box_.x = std::min(box_.x, box.x);
    box_.y = std::min(box_.y, box.y);
    box_.width = right - box_.x;
    box_.height = bottom - box_.y;
  }
  // A change moves the box's corners to the corners of the changed outline's box.
  const std::vector<PointF> corners = {{box.x, box.y}, {box.x + box.width, box.y + box.height}};
  for (size_t i = 0; i < changes_.size(); ++i) {
    fits_[i] += is_inside(box_of_points(corners, changes_[i]), frame_.size_px);
  }
  if (is_inside(box, frame_.size_px)) return;
  const double outside = outside_part(ring, frame_.size_px);
  wholly_ += outside >= 1;
  partly_ += outside > kSomeOutside && outside < 1;
  mostly_ += outside > kMostOutside;
}

std::vector<std::string> BoundsCheck::finish(const std::string& path) const {
  if (wholly_ + partly_ == 0) return {};
  const std::string found = fmt::format(
      "{} of {} outlines lie outside the slide of {} x {} px, {} wholly; they reach "
      "from {:.6g}, {:.6g} to {:.6g}, {:.6g}",
      wholly_ + partly_, outlines_, frame_.size_px.width, frame_.size_px.height, wholly_, box_.x,
      box_.y, box_.x + box_.width, box_.y + box_.height);
  if (2 * mostly_ <= outlines_) return {found};
  std::string cause = "; are they another slide's?";
  for (size_t i = changes_.size(); i-- > 0;) {
    const auto fits = static_cast<double>(fits_[i]);
    if (fits >= kMostInside * static_cast<double>(outlines_)) {
      cause = "; it is as if " + changes_[i].cause;
    }
  }
  throw Error(ErrorCode::kMismatch,
              fmt::format("{}{}; expected level-0 px of this slide", found, cause), path);
}

std::vector<std::string> check_bounds(const AnnotationSet& set, const SlideFrame& frame) {
  BoundsCheck check(frame);
  for (const Polygon& polygon : set.polygons) check.add(polygon.ring);
  return check.finish(set.path);
}

}  // namespace lamella::annotation
