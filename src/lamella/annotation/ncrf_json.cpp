// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"

namespace lamella::annotation {

namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& path, const std::string& where, const std::string& found,
                       const std::string& expected) {
  throw Error(ErrorCode::kFormat, fmt::format("{}: found {}, expected {}", where, found, expected),
              path);
}

double coordinate(const json& value, const std::string& path, const std::string& where) {
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!is_coordinate(number)) {
    fail(path, where, json_excerpt(value), "a number between -1e9 and 1e9 (level-0 px)");
  }
  return number;
}

std::vector<PointF> read_ring(const json& polygon, const std::string& path,
                              const std::string& where) {
  const auto vertices = polygon.find("vertices");
  if (vertices == polygon.end() || !vertices->is_array()) {
    fail(path, where, "no list 'vertices'", "[[x, y], ...]");
  }
  std::vector<PointF> ring;
  for (size_t i = 0; i < vertices->size(); ++i) {
    const json& point = (*vertices)[i];
    const std::string place = fmt::format("{}.vertices[{}]", where, i);
    if (!point.is_array() || point.size() != 2) {
      fail(path, place, json_excerpt(point), "[x, y]");
    }
    ring.push_back({coordinate(point[0], path, place), coordinate(point[1], path, place)});
  }
  open_ring(ring);
  if (ring.size() < 3)
    fail(path, where, fmt::format("{} different points", ring.size()), "at least 3");
  return ring;
}

void read_group(const json& document, const char* group, AnnotationSet& set) {
  const auto polygons = document.find(group);
  if (polygons == document.end() || !polygons->is_array()) {
    fail(set.path, "the document", fmt::format("no list '{}'", group),
         "the lists 'positive' and 'negative' (an NCRF annotation file)");
  }
  set.groups.emplace_back(group);
  for (size_t i = 0; i < polygons->size(); ++i) {
    const json& polygon = (*polygons)[i];
    const std::string where = fmt::format("{}[{}]", group, i);
    if (!polygon.is_object()) fail(set.path, where, json_excerpt(polygon), "a polygon");
    const auto name = polygon.find("name");
    const bool named = name != polygon.end() && name->is_string();
    set.polygons.push_back(
        {named ? name->get<std::string>() : where, group, read_ring(polygon, set.path, where)});
  }
}

}  // namespace

AnnotationSet parse_ncrf_json(std::string_view text, const std::string& path) {
  AnnotationSet set;
  set.path = path;
  json document;
  try {
    document = parse_json(text);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kFormat,
                fmt::format("found no well-formed JSON, expected an NCRF annotation file ({})",
                            error.what()),
                path);
  }
  if (!document.is_object()) fail(path, "the document", "no object", "{\"positive\": [...], ...}");
  read_group(document, "positive", set);
  read_group(document, "negative", set);
  return set;
}

AnnotationSet read_annotations(const std::string& path) {
  const std::string text = io::read_text_file(path);
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && (text[first] == '{' || text[first] == '[');
  return is_json ? parse_ncrf_json(text, path) : parse_asap_xml(text, path);
}

}  // namespace lamella::annotation
