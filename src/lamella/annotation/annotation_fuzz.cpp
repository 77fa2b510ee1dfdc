// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as ASAP XML, GeoJSON, NCRF JSON and a list of centres. What is read must
// survive being written and read again, and its area must be one. Only lamella::Error may come out.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coverage.h"
#include "lamella/base/error.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::annotation {
namespace {

// GEOS takes minutes for more points that all cross each other.
constexpr size_t kMaxPoints = 200;

void require(bool good) {
  if (!good) std::abort();
}

void check_area(const AnnotationSet& set) {
  size_t points = 0;
  for (const Polygon& polygon : set.polygons) {
    points += polygon.ring.size();
    for (const std::vector<PointF>& hole : polygon.holes) points += hole.size();
  }
  if (points > kMaxPoints) return;
  const Coverage coverage(set, set.groups, {});
  require(std::isfinite(coverage.area()) && coverage.area() >= 0);
  for (const Polygon& polygon : set.polygons) {
    const PointF corner = polygon.ring.front();
    const double fraction = coverage.fraction({corner.x - 50, corner.y - 50, 100, 100});
    require(fraction >= 0 && fraction <= 1);
  }
}

void read_all(const test::TemporaryFolder& folder, std::string_view text) {
  const std::string path = folder.put("input", text);
  try {
    const AnnotationSet set = read_annotations(path);
    for (const Polygon& polygon : set.polygons) require(polygon.ring.size() >= 3);
    check_area(set);
    for (const char* format : {"geojson", "asap", "aperio", "slideflow"}) {
      const std::string copy = folder.file("copy");
      write_annotations(set, format, copy);
      require(read_annotations(copy).polygons.size() == set.polygons.size());
    }
  } catch (const Error&) {
  }
  try {
    for (const Centre& centre : read_ncrf_centres(path)) {
      require(std::isfinite(centre.x_px) && std::isfinite(centre.y_px) && centre.line > 0);
    }
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::annotation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  lamella::annotation::read_all(folder, {reinterpret_cast<const char*>(data), size});
  return 0;
}
