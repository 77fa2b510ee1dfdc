// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/repair.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/annotation/geos_internal.h"

namespace lamella::annotation {

namespace {

// signed_area() is the integral of y dx, which is negative where the shoelace formula is positive.
void turn(Ring& ring, bool positive) {
  if ((signed_area(ring) < 0) != positive) std::reverse(ring.begin(), ring.end());
}

bool drop_repeated(Ring& ring) {
  const size_t before = ring.size();
  ring.erase(std::unique(ring.begin(), ring.end()), ring.end());
  while (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
  return ring.size() != before;
}

}  // namespace

struct AreaRepair::State {
  explicit State(const std::string& path) : geos(path) {}
  Geos geos;

  Geos::Geometry ring_of(const Ring& ring) {
    std::vector<double> xy;
    xy.reserve(2 * ring.size() + 2);
    for (const PointF& p : ring) xy.insert(xy.end(), {p.x, p.y});
    xy.insert(xy.end(), {ring.front().x, ring.front().y});
    GEOSCoordSequence* points = GEOSCoordSeq_copyFromBuffer_r(
        geos.handle(), xy.data(), static_cast<unsigned>(ring.size()) + 1, 0, 0);
    return geos.own(points ? GEOSGeom_createLinearRing_r(geos.handle(), points) : nullptr);
  }

  Geos::Geometry polygon_of(const Area& area) {
    Geos::Geometry shell = ring_of(area.ring);
    std::vector<Geos::Geometry> rings;
    for (const Ring& hole : area.holes) rings.push_back(ring_of(hole));
    std::vector<GEOSGeometry*> holes;
    for (Geos::Geometry& ring : rings) holes.push_back(ring.release());
    return geos.own(GEOSGeom_createPolygon_r(geos.handle(), shell.release(), holes.data(),
                                             static_cast<unsigned>(holes.size())));
  }

  // The polygons of the area when rings cross: even-odd within a ring, holes cut out.
  std::vector<Area> parts_of(const Area& area) {
    std::vector<Geos::Geometry> parts;
    geos.add_polygons({{}, {}, area.ring, area.holes}, parts);
    std::vector<Area> areas;
    for (const Geos::Geometry& part : parts) add_areas(part.get(), areas);
    return areas;
  }

  void add_areas(const GEOSGeometry* geometry, std::vector<Area>& areas) const {
    std::vector<Ring> rings;
    geos.collect_rings(geometry, rings);
    for (Ring& ring : rings) {
      // A shell comes before its holes.
      if (signed_area(ring) > 0) {
        areas.push_back({std::move(ring), {}});
      } else {
        areas.back().holes.push_back(std::move(ring));
      }
    }
    for (Area& area : areas) {
      turn(area.ring, true);
      for (Ring& hole : area.holes) turn(hole, false);
    }
  }
};

AreaRepair::AreaRepair(const std::string& path) : state_(std::make_unique<State>(path)) {}
AreaRepair::~AreaRepair() = default;

AreaRepair::Outcome AreaRepair::repair(Area area) {
  Outcome outcome;
  outcome.repeated = drop_repeated(area.ring);
  for (Ring& hole : area.holes) outcome.repeated |= drop_repeated(hole);
  std::erase_if(area.holes, [](const Ring& hole) { return hole.size() < 3; });
  if (area.ring.size() < 3) return outcome;
  if (GEOSisValid_r(state_->geos.handle(), state_->polygon_of(area).get()) == 1) {
    outcome.areas.push_back(std::move(area));
  } else {
    outcome.areas = state_->parts_of(area);
    outcome.crossed = true;
  }
  for (Area& part : outcome.areas) {
    turn(part.ring, true);
    for (Ring& hole : part.holes) turn(hole, false);
  }
  return outcome;
}

std::vector<Area> AreaRepair::unite(const std::vector<RectF>& boxes) {
  std::vector<Geos::Geometry> parts;
  for (const RectF& box : boxes) {
    const double right = box.x + box.width, bottom = box.y + box.height;
    state_->geos.add_polygons(
        {{}, {}, {{box.x, box.y}, {right, box.y}, {right, bottom}, {box.x, bottom}}, {}}, parts);
  }
  std::vector<Area> areas;
  state_->add_areas(state_->geos.unite(std::move(parts)).get(), areas);
  return areas;
}

bool AreaRepair::meet(const std::vector<PointF>& a, const std::vector<PointF>& b) {
  std::vector<Geos::Geometry> first, second;
  state_->geos.add_polygons({{}, {}, a, {}}, first);
  state_->geos.add_polygons({{}, {}, b, {}}, second);
  const Geos::Geometry one = state_->geos.unite(std::move(first));
  const Geos::Geometry other = state_->geos.unite(std::move(second));
  return GEOSIntersects_r(state_->geos.handle(), one.get(), other.get()) == 1;
}

std::vector<PointF> bridged_ring(const Area& area) {
  if (area.holes.empty()) return area.ring;
  // Holes from the right: what lies between a hole's rightmost point and the ring to its right is
  // joined already, so that a straight bridge to the first edge crosses nothing.
  std::vector<std::vector<PointF>> holes = area.holes;
  const auto rightmost = [](const std::vector<PointF>& ring) {
    return std::max_element(ring.begin(), ring.end(),
                            [](const PointF& a, const PointF& b) { return a.x < b.x; });
  };
  std::sort(holes.begin(), holes.end(),
            [&](const auto& a, const auto& b) { return rightmost(a)->x > rightmost(b)->x; });
  std::vector<PointF> ring = area.ring;
  for (std::vector<PointF>& hole : holes) {
    std::rotate(hole.begin(), hole.begin() + (rightmost(hole) - hole.begin()), hole.end());
    const PointF from = hole.front();
    // Straight to the right until the ring is met: no part of it lies between.
    double best_x = std::numeric_limits<double>::max();
    size_t best = 0;
    for (size_t i = 0; i < ring.size(); ++i) {
      const PointF &a = ring[i], &b = ring[(i + 1) % ring.size()];
      if ((a.y > from.y) == (b.y > from.y) && !(a.y == from.y && b.y == from.y)) continue;
      const double x =
          a.y == b.y ? std::min(a.x, b.x) : a.x + (from.y - a.y) * (b.x - a.x) / (b.y - a.y);
      if (x >= from.x && x < best_x) {
        best_x = x;
        best = i;
      }
    }
    const PointF to{best_x, from.y};
    std::vector<PointF> joined(ring.begin(), ring.begin() + static_cast<ptrdiff_t>(best) + 1);
    joined.push_back(to);
    joined.insert(joined.end(), hole.begin(), hole.end());
    joined.push_back(from);
    joined.push_back(to);
    joined.insert(joined.end(), ring.begin() + static_cast<ptrdiff_t>(best) + 1, ring.end());
    ring = std::move(joined);
  }
  return ring;
}

double area_of(const Area& area) {
  double sum = std::abs(signed_area(area.ring));
  for (const Ring& hole : area.holes) sum -= std::abs(signed_area(hole));
  return sum;
}

}  // namespace lamella::annotation
