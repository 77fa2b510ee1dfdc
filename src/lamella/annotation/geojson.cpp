// SPDX-License-Identifier: Apache-2.0
// GeoJSON (RFC 7946) as QuPath exports it: the coordinates are level-0 px, not degrees.
#include <fmt/format.h>

#include <cmath>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/json_document_internal.h"
#include "lamella/annotation/json_lists_internal.h"
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

// [r, g, b], or the packed number that QuPath wrote before 0.3.
std::optional<Colour> colour_of(const json& list, const json& packed = {}) {
  if (list.is_array() && list.size() >= 3) {
    Colour colour;
    uint8_t* parts[] = {&colour.red, &colour.green, &colour.blue};
    for (size_t i = 0; i < 3; ++i) {
      if (!list[i].is_number()) return std::nullopt;
      const double value = list[i].get<double>();
      if (!(value >= 0 && value <= 255)) return std::nullopt;
      *parts[i] = static_cast<uint8_t>(value);
    }
    return colour;
  }
  const json& number = packed.is_number_integer() ? packed : list;
  if (!number.is_number_integer()) return std::nullopt;
  const auto value = static_cast<uint32_t>(number.get<int64_t>());
  return Colour{static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
                static_cast<uint8_t>(value)};
}

class GeoJsonReader {
 public:
  GeoJsonReader(io::TextStream& text, const ReadOptions& options, ShapeSink& sink)
      : path_(text.path()), options_(options), sink_(sink) {
    JsonLists lists(text, "GeoJSON");
    bool one = false;
    lists.read({"", "features"},
               [&](const std::string& place, json&& feature) { read_feature(feature, place); });
    if (!lists.is_list() && !lists.saw("features")) {
      one = member(lists.rest(), "type") == "Feature";
      if (!one) {
        fail("the document", fmt::format("type {}", json_excerpt(member(lists.rest(), "type"))),
             "a FeatureCollection with a list 'features', a list of features, or one Feature");
      }
      read_feature(lists.rest(), "the document");
    }
    if (options_.notes) left_out_.note(*options_.notes);
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& found,
                         const std::string& expected) const {
    fail_at(path_, where, found, expected);
  }

  // QuPath writes {"name": "Tumor", ...}, {"names": ["Tumor", "Positive"]} of a derived class, or
  // the name alone.
  void read_class(const json& classification, Shape& shape) const {
    if (classification.is_null()) return;
    if (classification.is_string()) {
      shape.group = classification.get<std::string>();
      return;
    }
    shape.group_colour =
        colour_of(member(classification, "color"), member(classification, "colorRGB"));
    const json& names = member(classification, "names");
    if (names.is_array()) {
      std::vector<std::string> parts;
      for (const json& name : names) parts.push_back(text_of(name));
      shape.group = join(parts, ": ");
      return;
    }
    const json& name = member(classification, "name");
    if (!name.is_string()) {
      fail(shape.place + ".properties.classification", json_excerpt(classification),
           "a name, or an object with a text 'name'");
    }
    shape.group = name.get<std::string>();
  }

  void add_measurement(const std::string& name, const json& value, Shape& shape) const {
    double number = NAN;
    if (value.is_number()) {
      number = value.get<double>();
    } else if (value == "Infinity" || value == "-Infinity") {
      number = value == "Infinity" ? INFINITY : -INFINITY;
    } else if (!value.is_null() && value != "NaN") {
      fail(shape.place + ".properties.measurements", json_excerpt(value), "a number");
    }
    shape.measurements.emplace_back(name, number);
  }

  // An object of numbers; before QuPath 0.4 a list of names and values.
  void read_measurements(const json& measurements, Shape& shape) const {
    if (measurements.is_object()) {
      for (const auto& [name, value] : measurements.items()) add_measurement(name, value, shape);
    } else if (measurements.is_array()) {
      for (const json& item : measurements) {
        add_measurement(text_of(member(item, "name")), member(item, "value"), shape);
      }
    } else if (!measurements.is_null()) {
      fail(shape.place + ".properties.measurements", json_excerpt(measurements),
           "an object of names and numbers");
    }
  }

  void read_properties(const json& properties, Shape& shape) const {
    json more = json::object();
    for (const auto& [key, value] : properties.items()) {
      if (key == "name") {
        shape.name = text_of(value);
      } else if (key == "classification") {
        read_class(value, shape);
      } else if (key == "color") {
        shape.colour = colour_of(value);
      } else if (key == "colorRGB") {
        if (!shape.colour) shape.colour = colour_of(value);
      } else if (key == "measurements") {
        read_measurements(value, shape);
      } else if (key == "objectType" || key == "object_type") {
        if (value.is_string()) shape.object_type = value.get<std::string>();
      } else if (key == "isLocked") {
        shape.locked = value == true;
      } else if (!value.is_null()) {
        more[key] = value;
      }
    }
    if (!more.empty()) shape.more = more.dump();
  }

  void read_feature(const json& feature, const std::string& place) {
    if (member(feature, "type") != "Feature") {
      fail(place, json_excerpt(feature), "an object of type \"Feature\"");
    }
    Shape shape;
    shape.place = place;
    shape.id = text_of(member(feature, "id"));
    const json& properties = member(feature, "properties");
    if (properties.is_object()) read_properties(properties, shape);
    if (feature.contains("nucleusGeometry")) {
      left_out_.add("has a nucleus of its own: the nucleus is left out",
                    "have nuclei of their own: the nuclei are left out", shape.label());
    }
    if (!shape.group.empty()) sink_.declare({shape.group, shape.group_colour});
    read_geometry(member(feature, "geometry"), std::move(shape), place + ".geometry");
  }

  void read_geometry(const json& geometry, Shape shape, const std::string& where) {
    const std::string type = text_of(member(geometry, "type"));
    const json& coordinates = member(geometry, "coordinates");
    const std::string place = where + ".coordinates";
    shape.drawn_as = type.empty() ? "with no geometry" : "with geometry " + type;
    if (geometry.is_null()) {
      sink_.take(std::move(shape));
    } else if (type == "Polygon" || type == "MultiPolygon") {
      read_areas(coordinates, type == "MultiPolygon", shape, place);
      shape.ellipse = shape.areas.size() == 1 && member(geometry, "isEllipse") == true;
      if (!shape.areas.empty()) sink_.take(std::move(shape));
    } else if (type == "Point") {
      shape.kind = ShapeKind::kPoints;
      shape.points.push_back(read_point(coordinates, place));
      sink_.take(std::move(shape));
    } else if (type == "MultiPoint" || type == "LineString") {
      std::vector<PointF> points = read_points(coordinates, place);
      shape.kind = type == "MultiPoint" ? ShapeKind::kPoints : ShapeKind::kLines;
      (type == "MultiPoint" ? shape.points : shape.lines.emplace_back()) = std::move(points);
      sink_.take(std::move(shape));
    } else if (type == "MultiLineString") {
      shape.kind = ShapeKind::kLines;
      for_each(coordinates, place, "a list of lines", [&](const json& line, const std::string& at) {
        shape.lines.push_back(read_points(line, at));
      });
      sink_.take(std::move(shape));
    } else if (type == "GeometryCollection") {
      for_each(member(geometry, "geometries"), where + ".geometries", "a list of geometries",
               [&](const json& part, const std::string& at) { read_geometry(part, shape, at); });
    } else {
      fail(where, json_excerpt(geometry), "a geometry of GeoJSON, e.g. of type \"Polygon\"");
    }
  }

  template <typename Each>
  void for_each(const json& list, const std::string& place, const char* expected,
                Each&& each) const {
    if (!list.is_array()) fail(place, json_excerpt(list), expected);
    for (size_t i = 0; i < list.size(); ++i) each(list[i], fmt::format("{}[{}]", place, i));
  }

  void read_areas(const json& coordinates, bool several, Shape& shape, const std::string& place) {
    shape.kind = ShapeKind::kAreas;
    if (!several) return read_area(coordinates, shape, place);
    for_each(coordinates, place, "a list of polygons",
             [&](const json& rings, const std::string& at) { read_area(rings, shape, at); });
  }

  void read_area(const json& rings, Shape& shape, const std::string& where) {
    Area area;
    if (!rings.is_array()) fail(where, json_excerpt(rings), "a list of rings");
    for (size_t i = 0; i < rings.size(); ++i) {
      std::vector<PointF> ring = read_points(rings[i], where, i);
      open_ring(ring);
      if (i == 0) {
        area.ring = std::move(ring);
      } else if (ring.size() >= 3) {
        area.holes.push_back(std::move(ring));
      }
    }
    if (area.ring.size() < 3) {
      left_out_.add_without_area(shape.label());
    } else {
      shape.areas.push_back(std::move(area));
    }
  }

  std::vector<PointF> read_points(const json& points, const std::string& where, size_t i) const {
    return points.is_array() ? read_points(points, "", &where, i)
                             : read_points(points, fmt::format("{}[{}]", where, i));
  }

  // The place is put together only for an error: there may be millions of points.
  std::vector<PointF> read_points(const json& points, const std::string& place,
                                  const std::string* outer = nullptr, size_t index = 0) const {
    const auto where = [&] { return outer ? fmt::format("{}[{}]", *outer, index) : place; };
    if (!points.is_array()) fail(where(), json_excerpt(points), "a ring [[x, y], ...]");
    std::vector<PointF> read;
    read.reserve(points.size());
    for (size_t i = 0; i < points.size(); ++i) {
      const json& point = points[i];
      const bool pair =
          point.is_array() && point.size() >= 2 && point[0].is_number() && point[1].is_number();
      const PointF at = pair ? PointF{point[0].get<double>(), point[1].get<double>()} : PointF{};
      if (pair && is_coordinate(at.x) && is_coordinate(at.y)) {
        read.push_back(at);
      } else {
        read.push_back(read_point(point, fmt::format("{}[{}]", where(), i)));
      }
    }
    return read;
  }

  PointF read_point(const json& point, const std::string& where) const {
    if (!point.is_array() || point.size() < 2) fail(where, json_excerpt(point), "[x, y]");
    return {json_coordinate(point[0], path_, where), json_coordinate(point[1], path_, where)};
  }

  const std::string path_;
  const ReadOptions& options_;
  ShapeSink& sink_;
  LeftOut left_out_;
};

}  // namespace

void read_geojson(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  GeoJsonReader(text, options, sink);
}

}  // namespace lamella::annotation
