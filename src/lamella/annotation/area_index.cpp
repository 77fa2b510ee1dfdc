// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "lamella/annotation/area_index_internal.h"

namespace lamella::annotation {

namespace {

constexpr size_t kMaxLeafEdges = 12;
constexpr int kMaxDepth = 26;

using Coordinate = double PointF::*;

// The part of `ring` on one side of a line, closed along the line. Parts that hang together only
// along the line stay one ring: there the ring runs to and fro, which adds nothing to an area.
Ring clip_half_plane(const Ring& ring, Coordinate axis, double at, bool keep_below) {
  const Coordinate other = axis == &PointF::x ? &PointF::y : &PointF::x;
  const auto kept = [&](const PointF& p) { return keep_below ? p.*axis <= at : p.*axis >= at; };
  Ring clipped;
  const auto push = [&](const PointF& p) {
    // Of points in a row on the line only the ends matter.
    const size_t n = clipped.size();
    if (n >= 2 && p.*axis == at && clipped[n - 1].*axis == at && clipped[n - 2].*axis == at) {
      clipped.back() = p;
    } else {
      clipped.push_back(p);
    }
  };
  for (size_t i = 0; i < ring.size(); ++i) {
    const PointF& a = ring[i];
    const PointF& b = ring[(i + 1) % ring.size()];
    if (kept(a)) push(a);
    if (kept(a) != kept(b) && a.*axis != at && b.*axis != at) {
      PointF crossing;
      crossing.*axis = at;
      crossing.*other = a.*other + (b.*other - a.*other) * ((at - a.*axis) / (b.*axis - a.*axis));
      push(crossing);
    }
  }
  return clipped;
}

std::vector<Ring> clip_half_plane(const std::vector<Ring>& rings, Coordinate axis, double at,
                                  bool keep_below) {
  std::vector<Ring> clipped;
  for (const Ring& ring : rings) {
    Ring part = clip_half_plane(ring, axis, at, keep_below);
    if (part.size() >= 3) clipped.push_back(std::move(part));
  }
  return clipped;
}

// Integral over x in [0, width] of clamp(y, 0, height), y along the straight line from a to b.
double strip_area(PointF a, PointF b, double width, double height) {
  const bool backwards = a.x > b.x;
  if (backwards) std::swap(a, b);
  const double x0 = std::max(a.x, 0.0), x1 = std::min(b.x, width);
  if (!(x0 < x1)) return 0;
  const double slope = (b.y - a.y) / (b.x - a.x);
  const double y0 = a.x < 0.0 ? a.y - a.x * slope : a.y;
  const double y1 = b.x > width ? a.y + (width - a.x) * slope : b.y;
  const double low = std::min(y0, y1), high = std::max(y0, y1);
  double mean = 0;
  if (low >= height) {
    mean = height;
  } else if (high > 0) {
    const double rise = high - low;
    const double below = low < 0 ? -low / rise : 0;
    const double above = high > height ? (high - height) / rise : 0;
    const double middle = (std::max(low, 0.0) + std::min(high, height)) / 2;
    mean = (1 - below - above) * middle + above * height;
  }
  return (backwards ? -1 : 1) * mean * (x1 - x0);
}

}  // namespace

double signed_area(const Ring& ring) {
  double twice = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    // Relative to the first point: far from the origin products would lose digits.
    const PointF& o = ring.front();
    const PointF& a = ring[i];
    const PointF& b = ring[(i + 1) % ring.size()];
    twice += (b.x - a.x) * ((a.y - o.y) + (b.y - o.y));
  }
  return twice / 2;
}

AreaIndex::AreaIndex(std::vector<Ring> rings) {
  std::erase_if(rings, [](const Ring& ring) { return ring.size() < 3; });
  if (rings.empty()) return;
  const PointF& first = rings.front().front();
  Box box{first.x, first.y, first.x, first.y};
  for (const Ring& ring : rings) {
    for (const PointF& p : ring) {
      box = {std::min(box.x0, p.x), std::min(box.y0, p.y), std::max(box.x1, p.x),
             std::max(box.y1, p.y)};
    }
  }
  nodes_.push_back({.box = box});
  build(0, std::move(rings), 0);
}

void AreaIndex::build(size_t node, std::vector<Ring> rings, int depth) {
  const Box box = nodes_[node].box;
  size_t edge_count = 0;
  for (const Ring& ring : rings) edge_count += ring.size();
  if (edge_count <= kMaxLeafEdges || depth == kMaxDepth) {
    nodes_[node].first_edge = edges_.size();
    for (const Ring& ring : rings) {
      for (size_t i = 0; i < ring.size(); ++i) {
        const PointF& a = ring[i];
        const PointF& b = ring[(i + 1) % ring.size()];
        // Vertical edges and edges on the cell's lowest y enclose no area below them.
        const bool on_base = a.y == box.y0 && b.y == box.y0;
        if (a.x != b.x && !on_base) edges_.push_back({a, b});
      }
    }
    nodes_[node].end_edge = edges_.size();
    nodes_[node].area = leaf_area(nodes_[node], box);
    return;
  }
  const bool by_x = box.x1 - box.x0 >= box.y1 - box.y0;
  const Coordinate axis = by_x ? &PointF::x : &PointF::y;
  const double middle = by_x ? (box.x0 + box.x1) / 2 : (box.y0 + box.y1) / 2;
  Box low = box, high = box;
  (by_x ? low.x1 : low.y1) = middle;
  (by_x ? high.x0 : high.y0) = middle;
  const size_t children = nodes_.size();
  nodes_[node].children = static_cast<int32_t>(children);
  nodes_.push_back({.box = low});
  nodes_.push_back({.box = high});
  std::vector<Ring> below = clip_half_plane(rings, axis, middle, true);
  std::vector<Ring> above = clip_half_plane(rings, axis, middle, false);
  rings = {};  // so that a deep tree holds one branch's rings, not those of all its parents
  build(children, std::move(below), depth + 1);
  build(children + 1, std::move(above), depth + 1);
  nodes_[node].area = nodes_[children].area + nodes_[children + 1].area;
}

double AreaIndex::leaf_area(const Node& node, const Box& box) const {
  const double width = box.x1 - box.x0, height = box.y1 - box.y0;
  double area = 0;
  for (size_t i = node.first_edge; i < node.end_edge; ++i) {
    const auto& [a, b] = edges_[i];
    area += strip_area({a.x - box.x0, a.y - box.y0}, {b.x - box.x0, b.y - box.y0}, width, height);
  }
  return area;
}

double AreaIndex::area_inside(const Node& node, const Box& box) const {
  const Box& cell = node.box;
  const Box common{std::max(box.x0, cell.x0), std::max(box.y0, cell.y0), std::min(box.x1, cell.x1),
                   std::min(box.y1, cell.y1)};
  if (!(common.x0 < common.x1) || !(common.y0 < common.y1)) return 0;
  if (common.x0 == cell.x0 && common.y0 == cell.y0 && common.x1 == cell.x1 &&
      common.y1 == cell.y1) {
    return node.area;
  }
  if (node.children < 0) return leaf_area(node, common);
  const size_t children = static_cast<size_t>(node.children);
  return area_inside(nodes_[children], box) + area_inside(nodes_[children + 1], box);
}

double AreaIndex::area_inside(const RectF& rect) const {
  if (nodes_.empty()) return 0;
  return area_inside(nodes_.front(), {rect.x, rect.y, rect.x + rect.width, rect.y + rect.height});
}

RectF AreaIndex::bounds() const {
  if (nodes_.empty()) return {};
  const Box& box = nodes_.front().box;
  return {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0};
}

}  // namespace lamella::annotation
