// SPDX-License-Identifier: Apache-2.0
// GeoJSON (RFC 7946) as QuPath exports it: the coordinates are level-0 px, not degrees.
#include <fmt/format.h>

#include <algorithm>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/json_document_internal.h"
#include "lamella/annotation/left_out_internal.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

using nlohmann::json;

// The value of a key, null where there is none.
const json& member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

class GeoJsonReader {
 public:
  explicit GeoJsonReader(const std::string& path) { set_.path = path; }

  AnnotationSet read(const json& document) {
    const json& features = document.is_array() ? document : member(document, "features");
    if (document.is_array() || features.is_array()) {
      const char* list = document.is_array() ? "" : "features";
      for (size_t i = 0; i < features.size(); ++i) {
        read_feature(features[i], fmt::format("{}[{}]", list, i));
      }
    } else if (member(document, "type") == "Feature") {
      read_feature(document, "the document");
    } else {
      fail("the document", fmt::format("type {}", json_excerpt(member(document, "type"))),
           "a FeatureCollection with a list 'features', a list of features, or one Feature");
    }
    left_out_.note(set_.notes);
    return std::move(set_);
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& found,
                         const std::string& expected) const {
    fail_at(set_.path, where, found, expected);
  }

  // QuPath writes {"name": "Tumor", ...}, {"names": ["Tumor", "Positive"]} of a derived class, or
  // the name alone.
  std::string group_of(const json& properties, const std::string& where) const {
    const json& classification = member(properties, "classification");
    if (classification.is_null()) return {};
    if (classification.is_string()) return classification.get<std::string>();
    const json& names = member(classification, "names");
    if (names.is_array()) {
      std::vector<std::string> parts;
      for (const json& name : names) parts.push_back(text_of(name));
      return join(parts, ": ");
    }
    const json& name = member(classification, "name");
    if (!name.is_string()) {
      fail(where + ".properties.classification", json_excerpt(classification),
           "a name, or an object with a text 'name'");
    }
    return name.get<std::string>();
  }

  void read_feature(const json& feature, const std::string& where) {
    if (member(feature, "type") != "Feature") {
      fail(where, json_excerpt(feature), "an object of type \"Feature\"");
    }
    const json& properties = member(feature, "properties");
    Polygon as;
    as.name = text_of(member(properties, "name"));
    if (as.name.empty()) as.name = text_of(member(feature, "id"));
    if (as.name.empty()) as.name = where;
    as.group = group_of(properties, where);
    if (!as.group.empty() &&
        std::find(set_.groups.begin(), set_.groups.end(), as.group) == set_.groups.end()) {
      set_.groups.push_back(as.group);
    }
    read_geometry(member(feature, "geometry"), as, where + ".geometry");
  }

  void read_geometry(const json& geometry, const Polygon& as, const std::string& where) {
    const std::string type = text_of(member(geometry, "type"));
    const json& coordinates = member(geometry, "coordinates");
    if (type == "Polygon") {
      read_polygon(coordinates, as, where + ".coordinates");
    } else if (type == "MultiPolygon") {
      const std::string place = where + ".coordinates";
      if (!coordinates.is_array()) fail(place, json_excerpt(coordinates), "a list of polygons");
      for (size_t i = 0; i < coordinates.size(); ++i) {
        read_polygon(coordinates[i], as, fmt::format("{}[{}]", place, i));
      }
    } else if (type == "GeometryCollection") {
      const json& parts = member(geometry, "geometries");
      const std::string place = where + ".geometries";
      if (!parts.is_array()) fail(place, json_excerpt(parts), "a list of geometries");
      for (size_t i = 0; i < parts.size(); ++i) {
        read_geometry(parts[i], as, fmt::format("{}[{}]", place, i));
      }
    } else if (geometry.is_null() || type == "Point" || type == "MultiPoint" ||
               type == "LineString" || type == "MultiLineString") {
      const std::string kind = type.empty() ? "no geometry" : "geometry " + type;
      left_out_.add("with " + kind + " has no area: left out",
                    "with " + kind + " have no area: left out", as.name);
    } else {
      fail(where, json_excerpt(geometry), "a geometry of GeoJSON, e.g. of type \"Polygon\"");
    }
  }

  void read_polygon(const json& rings, Polygon polygon, const std::string& where) {
    if (!rings.is_array()) fail(where, json_excerpt(rings), "a list of rings");
    for (size_t i = 0; i < rings.size(); ++i) {
      std::vector<PointF> ring = read_ring(rings[i], fmt::format("{}[{}]", where, i));
      if (i == 0) {
        polygon.ring = std::move(ring);
      } else if (ring.size() >= 3) {
        polygon.holes.push_back(std::move(ring));
      }
    }
    if (polygon.ring.size() < 3) {
      left_out_.add_without_area(polygon.name);
    } else {
      set_.polygons.push_back(std::move(polygon));
    }
  }

  std::vector<PointF> read_ring(const json& points, const std::string& where) const {
    if (!points.is_array()) fail(where, json_excerpt(points), "a ring [[x, y], ...]");
    std::vector<PointF> ring;
    for (size_t i = 0; i < points.size(); ++i) {
      const json& point = points[i];
      const std::string place = fmt::format("{}[{}]", where, i);
      if (!point.is_array() || point.size() < 2) fail(place, json_excerpt(point), "[x, y]");
      ring.push_back({json_coordinate(point[0], set_.path, place),
                      json_coordinate(point[1], set_.path, place)});
    }
    open_ring(ring);
    return ring;
  }

  AnnotationSet set_;
  LeftOut left_out_;
};

}  // namespace

AnnotationSet parse_geojson(std::string_view text, const std::string& path) {
  return GeoJsonReader(path).read(parse_document(text, path, "GeoJSON"));
}

}  // namespace lamella::annotation
