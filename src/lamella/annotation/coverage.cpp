// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/coverage.h"

#include <algorithm>

#include "lamella/annotation/area_index_internal.h"
#include "lamella/annotation/geos_internal.h"
#include "lamella/annotation/groups.h"
#include "lamella/base/error.h"

namespace lamella::annotation {

namespace {

// Rounding of a coverage that is really 0 or 1; 1e-9 of a patch is far less than a drawn line.
constexpr double kRounding = 1e-9;

Geos::Geometry area_of(Geos& geos, const AnnotationSet& set,
                       const std::vector<std::string>& groups) {
  std::vector<Geos::Geometry> parts;
  for (const Polygon& polygon : set.polygons) {
    if (polygon.ring.size() < 3) continue;
    const auto named = [&](const std::string& name) { return names_group(name, polygon.group); };
    if (std::none_of(groups.begin(), groups.end(), named)) continue;
    geos.add_polygons(polygon, parts);
  }
  return geos.unite(std::move(parts));
}

}  // namespace

struct Coverage::State {
  AreaIndex index;
};

Coverage::Coverage(const AnnotationSet& set, const std::vector<std::string>& include,
                   const std::vector<std::string>& exclude)
    : state_(std::make_unique<State>()) {
  for (const std::string& group : include) require_group(set, group);
  for (const std::string& group : exclude) require_group(set, group);
  Geos geos(set.path);
  Geos::Geometry area = area_of(geos, set, include);
  if (!exclude.empty()) {
    const Geos::Geometry excluded = area_of(geos, set, exclude);
    area = geos.own(GEOSDifference_r(geos.handle(), area.get(), excluded.get()));
  }
  std::vector<Ring> rings;
  geos.collect_rings(area.get(), rings);
  state_->index = AreaIndex(std::move(rings));
}

Coverage::~Coverage() = default;
Coverage::Coverage(Coverage&&) noexcept = default;

double Coverage::fraction(const RectF& rect) const {
  if (!(rect.width > 0) || !(rect.height > 0)) return 0;
  const double covered = state_->index.area_inside(rect) / (rect.width * rect.height);
  if (covered < kRounding) return 0;
  return covered > 1 - kRounding ? 1 : covered;
}

double Coverage::area() const { return std::max(0.0, state_->index.area()); }

RectF Coverage::bounds() const { return state_->index.bounds(); }

}  // namespace lamella::annotation
