// SPDX-License-Identifier: Apache-2.0
// Area of a polygon set inside a rectangle, fast. Immutable after construction; shareable.
#pragma once

#include <cstdint>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::annotation {

using Ring = std::vector<PointF>;

// Signed area of a ring (shoelace formula); its sign is the direction of drawing.
double signed_area(const Ring& ring);

// Rings must not cross; shells have a positive signed area, holes a negative one. The plane is
// halved until a cell holds few edges, so that a query looks at the edges near it only. Inside a
// cell the area is Green's theorem: the sum over edges of the integral of y dx, y clamped to the
// rectangle.
class AreaIndex {
 public:
  AreaIndex() = default;
  explicit AreaIndex(std::vector<Ring> rings);

  double area() const { return nodes_.empty() ? 0.0 : nodes_.front().area; }
  double area_inside(const RectF& rect) const;
  RectF bounds() const;

 private:
  struct Box {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  };
  struct Edge {
    PointF a, b;
  };
  struct Node {
    Box box;
    double area = 0;
    int32_t children = -1;  // index of two nodes side by side; -1: a leaf
    size_t first_edge = 0;  // of a leaf
    size_t end_edge = 0;
  };

  void build(size_t node, std::vector<Ring> rings, int depth);
  double area_inside(const Node& node, const Box& box) const;
  double leaf_area(const Node& node, const Box& box) const;

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
};

}  // namespace lamella::annotation
