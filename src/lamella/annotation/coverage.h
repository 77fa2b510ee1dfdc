// SPDX-License-Identifier: Apache-2.0
// Exact area coverage of rectangles by polygons (GEOS). Immutable after construction; shareable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/geometry.h"

namespace lamella::annotation {

// Area = union of the polygons of `include` minus the union of those of `exclude`.
// Self-intersecting rings are repaired (even-odd: holes drawn as a figure stay holes).
class Coverage {
 public:
  // Error kNotFound if a named group is not in the set (lists the groups there are).
  Coverage(const AnnotationSet& set, const std::vector<std::string>& include,
           const std::vector<std::string>& exclude);
  ~Coverage();
  Coverage(Coverage&&) noexcept;

  // Covered fraction of the rectangle (level-0 px), 0-1. An empty rectangle gives 0.
  double fraction(const RectF& rect) const;
  // Total area in level-0 px².
  double area() const;
  // Bounds of the area; width 0 if it is empty.
  RectF bounds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lamella::annotation
