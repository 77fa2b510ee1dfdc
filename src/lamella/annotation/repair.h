// SPDX-License-Identifier: Apache-2.0
// Areas made valid (GEOS): rings that cross neither themselves nor each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lamella/annotation/shape.h"

namespace lamella::annotation {

// One context of GEOS for many areas; not for several threads.
class AreaRepair {
 public:
  // `path`: what errors name.
  explicit AreaRepair(const std::string& path);
  ~AreaRepair();

  struct Outcome {
    std::vector<Area> areas;  // none: nothing of it has an area
    bool crossed = false;     // rings crossed, and were parted (even-odd) and holes cut out
    bool repeated = false;    // points that stood twice in a row were dropped
  };
  // The same area, valid and right-handed: shells with a positive area (x right, y down: clockwise
  // on the screen), holes with a negative one, as RFC 7946 has it. Points stay as they are, in
  // their order or the reverse, unless rings crossed.
  Outcome repair(Area area);

  // The area that the boxes cover, as outlines that do not meet; right-handed.
  std::vector<Area> unite(const std::vector<RectF>& boxes);

  // Whether the two share a point.
  bool meet(const std::vector<PointF>& a, const std::vector<PointF>& b);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One ring around the area, which holes are joined to by bridges of no width: for formats that know
// no holes. Its area is the same, and repair() makes the same holes of it.
std::vector<PointF> bridged_ring(const Area& area);

// Shoelace formula, holes taken off; always positive for a valid area.
double area_of(const Area& area);

}  // namespace lamella::annotation
