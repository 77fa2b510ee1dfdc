// SPDX-License-Identifier: Apache-2.0
// GeoJSON as QuPath 0.4 and later opens it: ids are UUIDs, a class has its colour, rings are
// closed.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lamella/annotation/formats_internal.h"

namespace lamella::annotation {

namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

std::string colour_text(const Colour& colour) {
  return fmt::format("[{},{},{}]", colour.red, colour.green, colour.blue);
}

// FNV-1a over the numbers; with the row's number it makes an id that a second writing makes again.
uint64_t mixed(uint64_t hash, uint64_t value) {
  for (int i = 0; i < 8; ++i) hash = (hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ULL;
  return hash;
}

class GeoJsonWriter final : public ShapeWriter {
 public:
  GeoJsonWriter(const std::string& path, const WriteOptions& options)
      : out_(path), losses_("QuPath's GeoJSON", options.notes) {
    out_.put("{\"type\":\"FeatureCollection\",\"features\":[");
  }

  void declare(const ShapeGroup& group) override { groups_.add(group.name, group.colour); }

  void take(Shape&& shape) override {
    if (shape.kind == ShapeKind::kNothing) {
      losses_.add("what has no geometry: left out", shape);
      return;
    }
    groups_.add(shape.group, shape.group_colour ? shape.group_colour : shape.colour);
    std::string text = count_ == 0 ? "\n" : ",\n";
    text += "{\"type\":\"Feature\",\"id\":\"" + (is_uuid(shape.id) ? shape.id : made_id(shape)) +
            "\",\"geometry\":";
    put_geometry(shape, text);
    text += ",\"properties\":";
    put_properties(shape, text);
    text += '}';
    out_.put(text);
    ++count_;
  }

  void finish() override {
    out_.put("\n]}\n");
    out_.finish();
    losses_.finish();
  }

 private:
  // RFC 9562, version 8: of our own making.
  std::string made_id(const Shape& shape) const {
    uint64_t a = mixed(0xcbf29ce484222325ULL, static_cast<uint64_t>(count_));
    const auto add = [&](const std::vector<PointF>& points) {
      for (const PointF& p : points) {
        a = mixed(a, static_cast<uint64_t>(std::llround(p.x * 1000)));
        a = mixed(a, static_cast<uint64_t>(std::llround(p.y * 1000)));
      }
    };
    for (const Area& area : shape.areas) add(area.ring);
    for (const auto& line : shape.lines) add(line);
    add(shape.points);
    const uint64_t b = mixed(a, 0x6c616d656c6c61ULL);
    return fmt::format("{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff,
                       a & 0xfff, 0x8000 | (b >> 50), b & 0xffffffffffffULL);
  }

  static void put_point(const PointF& point, std::string& text) {
    fmt::format_to(std::back_inserter(text), "[{},{}]", point.x, point.y);
  }

  static void put_points(const std::vector<PointF>& points, bool closed, std::string& text) {
    text += '[';
    for (size_t i = 0; i < points.size(); ++i) {
      if (i > 0) text += ',';
      put_point(points[i], text);
    }
    if (closed) {
      text += ',';
      put_point(points.front(), text);
    }
    text += ']';
  }

  static void put_area(const Area& area, std::string& text) {
    text += '[';
    put_points(area.ring, true, text);
    for (const auto& hole : area.holes) {
      text += ',';
      put_points(hole, true, text);
    }
    text += ']';
  }

  template <typename List, typename Put>
  static void put_parts(const char* type, const List& parts, Put&& put, std::string& text) {
    const bool several = parts.size() != 1;
    text += fmt::format("{{\"type\":\"{}{}\",\"coordinates\":", several ? "Multi" : "", type);
    if (several) text += '[';
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) text += ',';
      put(parts[i]);
    }
    if (several) text += ']';
  }

  static void put_geometry(const Shape& shape, std::string& text) {
    if (shape.kind == ShapeKind::kAreas) {
      put_parts(
          "Polygon", shape.areas, [&](const Area& area) { put_area(area, text); }, text);
    } else if (shape.kind == ShapeKind::kLines) {
      put_parts(
          "LineString", shape.lines,
          [&](const std::vector<PointF>& line) { put_points(line, false, text); }, text);
    } else {
      put_parts(
          "Point", shape.points, [&](const PointF& point) { put_point(point, text); }, text);
    }
    if (shape.ellipse) text += ",\"isEllipse\":true";
    text += '}';
  }

  void put_class(const Shape& shape, std::string& text) const {
    const Colour colour = shape.group_colour.value_or(groups_.colour_of(shape.group));
    text += ",\"classification\":{";
    if (shape.group.find(": ") == std::string::npos) {
      text += "\"name\":" + quoted(shape.group);
    } else {
      text += "\"names\":[";
      for (size_t from = 0; from != std::string::npos;) {
        const size_t to = shape.group.find(": ", from);
        if (from > 0) text += ',';
        text += quoted(shape.group.substr(from, to == std::string::npos ? to : to - from));
        from = to == std::string::npos ? to : to + 2;
      }
      text += ']';
    }
    text += ",\"color\":" + colour_text(colour) + "}";
  }

  static std::string number_text(double value) {
    if (std::isnan(value)) return "\"NaN\"";
    if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return fmt::format("{}", value);
  }

  void put_properties(const Shape& shape, std::string& text) const {
    text += "{\"objectType\":" + quoted(shape.object_type);
    if (!shape.name.empty()) text += ",\"name\":" + quoted(shape.name);
    if (!shape.group.empty()) put_class(shape, text);
    if (shape.colour) text += ",\"color\":" + colour_text(*shape.colour);
    if (shape.locked) text += ",\"isLocked\":true";
    if (!shape.measurements.empty()) {
      text += ",\"measurements\":{";
      for (size_t i = 0; i < shape.measurements.size(); ++i) {
        const auto& [name, value] = shape.measurements[i];
        text += fmt::format("{}{}:{}", i > 0 ? "," : "", quoted(name), number_text(value));
      }
      text += '}';
    }
    // An object whose members follow ours.
    if (shape.more.size() > 2) text += "," + shape.more.substr(1, shape.more.size() - 2);
    text += '}';
  }

  TextOut out_;
  Losses losses_;
  Groups groups_;
  int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<ShapeWriter> write_geojson(const std::string& path, const WriteOptions& options) {
  return std::make_unique<GeoJsonWriter>(path, options);
}

}  // namespace lamella::annotation
