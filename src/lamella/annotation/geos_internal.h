// SPDX-License-Identifier: Apache-2.0
// GEOS, whose handles are freed and whose errors are ours.
#pragma once

#include <fmt/format.h>

#define GEOS_USE_ONLY_R_API
#include <geos_c.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/area_index_internal.h"
#include "lamella/base/error.h"

namespace lamella::annotation {

inline void keep_message(const char* message, void* text) {
  *static_cast<std::string*>(text) = message;
}

// One GEOS context; lives for one construction, so nothing of GEOS is shared between threads.
class Geos {
 public:
  using Geometry = std::unique_ptr<GEOSGeometry, std::function<void(GEOSGeometry*)>>;

  explicit Geos(const std::string& path) : path_(path), handle_(GEOS_init_r()) {
    GEOSContext_setErrorMessageHandler_r(handle_, keep_message, &message_);
  }
  ~Geos() { GEOS_finish_r(handle_); }
  Geos(const Geos&) = delete;
  Geos& operator=(const Geos&) = delete;

  GEOSContextHandle_t handle() const { return handle_; }

  Geometry own(GEOSGeometry* geometry) {
    if (!geometry) {
      throw Error(ErrorCode::kInternal, fmt::format("polygon operation failed: {}", message_),
                  path_);
    }
    return Geometry(geometry, [this](GEOSGeometry* g) { GEOSGeom_destroy_r(handle_, g); });
  }

  // Adds the polygons that `polygon` encloses, less its holes; several, or none, if it had to be
  // repaired.
  void add_polygons(const Polygon& polygon, std::vector<Geometry>& parts) {
    if (polygon.holes.empty()) return add_ring(polygon.ring, parts);
    std::vector<Geometry> shells, holes;
    add_ring(polygon.ring, shells);
    for (const std::vector<PointF>& hole : polygon.holes) add_ring(hole, holes);
    const Geometry shell = unite(std::move(shells)), cut = unite(std::move(holes));
    add_polygons_of(own(GEOSDifference_r(handle_, shell.get(), cut.get())).get(), parts);
  }

  Geometry unite(std::vector<Geometry> parts) {
    if (parts.empty()) return own(GEOSGeom_createEmptyPolygon_r(handle_));
    if (parts.size() == 1) return std::move(parts.front());
    std::vector<GEOSGeometry*> raw;
    for (Geometry& part : parts) raw.push_back(part.release());
    Geometry all = own(GEOSGeom_createCollection_r(handle_, GEOS_GEOMETRYCOLLECTION, raw.data(),
                                                   static_cast<unsigned>(raw.size())));
    return own(GEOSUnaryUnion_r(handle_, all.get()));
  }

  // The rings of all polygons in `geometry`: shells positive, holes negative.
  void collect_rings(const GEOSGeometry* geometry, std::vector<Ring>& rings) const {
    const int type = GEOSGeomTypeId_r(handle_, geometry);
    if (type == GEOS_POLYGON) {
      if (GEOSisEmpty_r(handle_, geometry) == 1) return;
      rings.push_back(oriented(GEOSGetExteriorRing_r(handle_, geometry), true));
      const int holes = GEOSGetNumInteriorRings_r(handle_, geometry);
      for (int i = 0; i < holes; ++i) {
        rings.push_back(oriented(GEOSGetInteriorRingN_r(handle_, geometry, i), false));
      }
    } else if (type == GEOS_MULTIPOLYGON || type == GEOS_GEOMETRYCOLLECTION) {
      const int parts = GEOSGetNumGeometries_r(handle_, geometry);
      for (int i = 0; i < parts; ++i) {
        collect_rings(GEOSGetGeometryN_r(handle_, geometry, i), rings);
      }
    }
  }

 private:
  void add_ring(const std::vector<PointF>& ring, std::vector<Geometry>& parts) {
    std::vector<double> xy;
    for (const PointF& p : ring) xy.insert(xy.end(), {p.x, p.y});
    xy.insert(xy.end(), {ring.front().x, ring.front().y});
    GEOSCoordSequence* points = GEOSCoordSeq_copyFromBuffer_r(
        handle_, xy.data(), static_cast<unsigned>(ring.size()) + 1, 0, 0);
    Geometry shell = own(points ? GEOSGeom_createLinearRing_r(handle_, points) : nullptr);
    Geometry drawn = own(GEOSGeom_createPolygon_r(handle_, shell.release(), nullptr, 0));
    if (GEOSisValid_r(handle_, drawn.get()) == 1) {
      parts.push_back(std::move(drawn));
    } else {
      add_polygons_of(own(GEOSMakeValid_r(handle_, drawn.get())).get(), parts);
    }
  }

  // A repaired ring may leave lines and points beside its polygons; only polygons have an area.
  void add_polygons_of(const GEOSGeometry* geometry, std::vector<Geometry>& parts) {
    const int type = GEOSGeomTypeId_r(handle_, geometry);
    if (type == GEOS_POLYGON && GEOSisEmpty_r(handle_, geometry) == 0) {
      parts.push_back(own(GEOSGeom_clone_r(handle_, geometry)));
    } else if (type == GEOS_MULTIPOLYGON || type == GEOS_GEOMETRYCOLLECTION) {
      for (int i = 0; i < GEOSGetNumGeometries_r(handle_, geometry); ++i) {
        add_polygons_of(GEOSGetGeometryN_r(handle_, geometry, i), parts);
      }
    }
  }

  Ring oriented(const GEOSGeometry* geometry, bool positive) const {
    const GEOSCoordSequence* points = GEOSGeom_getCoordSeq_r(handle_, geometry);
    unsigned size = 0;
    GEOSCoordSeq_getSize_r(handle_, points, &size);
    Ring ring(size);
    for (unsigned i = 0; i < size; ++i) {
      GEOSCoordSeq_getXY_r(handle_, points, i, &ring[i].x, &ring[i].y);
    }
    if (!ring.empty()) ring.pop_back();  // GEOS closes rings
    if ((signed_area(ring) > 0) != positive) std::reverse(ring.begin(), ring.end());
    return ring;
  }

  const std::string path_;
  GEOSContextHandle_t handle_;
  std::string message_;
};

}  // namespace lamella::annotation
