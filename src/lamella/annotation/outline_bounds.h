// SPDX-License-Identifier: Apache-2.0
// Whether outlines lie where the slide is. Frame: level-0 px.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/geometry.h"

namespace lamella::annotation {

// What is known of the slide that outlines belong to.
struct SlideFrame {
  SizePx size_px;
  PointF bounds_px = {};                 // where the scanned part begins, if the file says (MIRAX)
  std::vector<double> downsamples = {};  // of its levels below level 0
  std::optional<Mpp> mpp = {};           // at level 0
  // From the glass slide's centre to the picture's (Hamamatsu).
  std::optional<PointF> offset_from_centre_nm = {};
};

// Another frame that outlines may be in: a point of it is
// (scale * x + offset.x, scale_y * y + offset.y) in the slide's, x and y exchanged before if told.
struct FrameChange {
  std::string cause;  // completes "as if ..."
  double scale_x = 1, scale_y = 1;
  PointF offset_px = {};
  bool exchanged = false;
  PointF apply(const PointF& point) const;
};

// The usual mistakes, those first that are met most.
std::vector<FrameChange> usual_frame_changes(const SlideFrame& frame);

// The box of an outline, and of its corners under a change.
RectF box_of(const Polygon& polygon, const FrameChange& change = {});

// Counts outlines one by one, as check_bounds does; nothing is kept of them.
class BoundsCheck {
 public:
  explicit BoundsCheck(SlideFrame frame);
  void add(const std::vector<PointF>& ring);
  // Warnings and errors as of check_bounds.
  std::vector<std::string> finish(const std::string& path) const;

 private:
  SlideFrame frame_;
  std::vector<FrameChange> changes_;
  std::vector<int64_t> fits_;  // outlines that would lie inside, a change each
  RectF box_;
  int64_t outlines_ = 0, wholly_ = 0, partly_ = 0, mostly_ = 0;
};

// A warning that counts the outlines that lie outside the slide, wholly or partly (more than 1 % of
// their area); none if none does. Error kMismatch, with the likely cause: more than half of the
// outlines have more than half of their area outside.
std::vector<std::string> check_bounds(const AnnotationSet& set, const SlideFrame& frame);

}  // namespace lamella::annotation
