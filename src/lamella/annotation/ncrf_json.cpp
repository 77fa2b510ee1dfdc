// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/json_document_internal.h"
#include "lamella/annotation/left_out_internal.h"
#include "lamella/base/json_text.h"

namespace lamella::annotation {

namespace {

using nlohmann::json;

std::vector<PointF> read_ring(const json& polygon, const std::string& path,
                              const std::string& where) {
  const auto vertices = polygon.find("vertices");
  if (vertices == polygon.end() || !vertices->is_array()) {
    fail_at(path, where, "no list 'vertices'", "[[x, y], ...]");
  }
  std::vector<PointF> ring;
  for (size_t i = 0; i < vertices->size(); ++i) {
    const json& point = (*vertices)[i];
    const std::string place = fmt::format("{}.vertices[{}]", where, i);
    if (!point.is_array() || point.size() != 2) {
      fail_at(path, place, json_excerpt(point), "[x, y]");
    }
    ring.push_back(
        {json_coordinate(point[0], path, place), json_coordinate(point[1], path, place)});
  }
  open_ring(ring);
  return ring;
}

void read_group(const json& document, const char* group, AnnotationSet& set, LeftOut& left_out) {
  const auto polygons = document.find(group);
  if (polygons == document.end() || !polygons->is_array()) {
    fail_at(set.path, "the document", fmt::format("no list '{}'", group),
            "the lists 'positive' and 'negative' (an NCRF annotation file)");
  }
  set.groups.emplace_back(group);
  for (size_t i = 0; i < polygons->size(); ++i) {
    const json& polygon = (*polygons)[i];
    const std::string where = fmt::format("{}[{}]", group, i);
    if (!polygon.is_object()) fail_at(set.path, where, json_excerpt(polygon), "a polygon");
    const auto name = polygon.find("name");
    const bool named = name != polygon.end() && name->is_string();
    Polygon read{named ? name->get<std::string>() : where, group,
                 read_ring(polygon, set.path, where)};
    if (read.ring.size() < 3) {
      left_out.add_without_area(read.name);
    } else {
      set.polygons.push_back(std::move(read));
    }
  }
}

}  // namespace

AnnotationSet parse_ncrf_json(std::string_view text, const std::string& path) {
  AnnotationSet set;
  set.path = path;
  const json document = parse_document(text, path, "an NCRF annotation file");
  if (!document.is_object()) {
    fail_at(path, "the document", "no object", "{\"positive\": [...], ...}");
  }
  LeftOut left_out;
  read_group(document, "positive", set, left_out);
  read_group(document, "negative", set, left_out);
  left_out.note(set.notes);
  return set;
}

}  // namespace lamella::annotation
