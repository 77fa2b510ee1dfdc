// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/left_out_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::annotation {

namespace {

constexpr std::array<std::string_view, 3> kAreaTypes = {"Polygon", "Rectangle", "Spline"};
constexpr std::array<std::string_view, 4> kOtherTypes = {"Dot", "PointSet", "Measurement", "None"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class AsapReader {
 public:
  AsapReader(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  AnnotationSet read() {
    set_.path = path_;
    pugi::xml_document document;
    const pugi::xml_parse_result result = document.load_buffer(text_.data(), text_.size());
    if (!result) {
      fail(result.offset, snippet(result.offset),
           fmt::format("well-formed XML ({})", result.description()));
    }
    const pugi::xml_node root = document.document_element();
    if (std::string_view(root.name()) != "ASAP_Annotations") {
      fail(root, fmt::format("root element '{}'", root.name()),
           "'ASAP_Annotations' (an ASAP annotation file)");
    }
    const pugi::xml_node annotations = root.child("Annotations");
    if (!annotations) fail(root, "no element 'Annotations'", "one inside 'ASAP_Annotations'");
    for (const pugi::xml_node node : annotations.children("Annotation")) read_annotation(node);
    left_out_.note(set_.notes);
    read_groups(root.child("AnnotationGroups"));
    return std::move(set_);
  }

 private:
  [[noreturn]] void fail(ptrdiff_t offset, const std::string& found,
                         const std::string& expected) const {
    const size_t end = std::clamp<size_t>(size_t(std::max<ptrdiff_t>(offset, 0)), 0, text_.size());
    const std::string_view before = text_.substr(0, end);
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    throw Error(ErrorCode::kFormat,
                fmt::format("line {}, column {}: found {}, expected {}",
                            std::count(before.begin(), before.end(), '\n') + 1,
                            end - line_start + 1, found, expected),
                path_);
  }

  [[noreturn]] void fail(const pugi::xml_node& node, const std::string& found,
                         const std::string& expected) const {
    // pugixml's offset is that of the name; the element begins at the '<' before it.
    fail(node.offset_debug() - 1, found, expected);
  }

  std::string snippet(ptrdiff_t offset) const {
    constexpr size_t kMaxShown = 30;
    const size_t from = std::min(size_t(std::max<ptrdiff_t>(offset, 0)), text_.size());
    if (from == text_.size()) return "the end of the file";
    const std::string_view rest = text_.substr(from, kMaxShown);
    return fmt::format("'{}'", trim(rest.substr(0, rest.find('\n'))));
  }

  double number(const pugi::xml_node& node, const char* name) const {
    const pugi::xml_attribute attribute = node.attribute(name);
    if (!attribute) {
      fail(node, fmt::format("no attribute {}", name), fmt::format("{} in level-0 px", name));
    }
    const std::optional<double> value = parse_double(attribute.value());
    if (!value || !is_coordinate(*value)) {
      fail(node, fmt::format("{}='{}'", name, attribute.value()),
           "a number between -1e9 and 1e9 (level-0 px)");
    }
    return *value;
  }

  std::vector<PointF> read_ring(const pugi::xml_node& annotation) const {
    struct Ordered {
      double order;
      PointF point;
    };
    std::vector<Ordered> points;
    for (const pugi::xml_node node : annotation.child("Coordinates").children("Coordinate")) {
      const double order =
          node.attribute("Order") ? number(node, "Order") : static_cast<double>(points.size());
      points.push_back({order, {number(node, "X"), number(node, "Y")}});
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const Ordered& a, const Ordered& b) { return a.order < b.order; });
    std::vector<PointF> ring;
    for (const Ordered& ordered : points) ring.push_back(ordered.point);
    open_ring(ring);
    return ring;
  }

  void read_annotation(const pugi::xml_node& node) {
    const std::string name = node.attribute("Name").value();
    const std::string type = node.attribute("Type").value();
    std::string group = node.attribute("PartOfGroup").value();
    if (group == "None") group.clear();
    add_group(group);
    if (contains(kOtherTypes, type)) {
      left_out_.add(fmt::format("of type {} has no area: left out", type),
                    fmt::format("of type {} have no area: left out", type), name);
      return;
    }
    if (!contains(kAreaTypes, type)) {
      fail(node, fmt::format("Type='{}'", type),
           fmt::format("one of {}, {}", fmt::join(kAreaTypes, ", "), fmt::join(kOtherTypes, ", ")));
    }
    if (type == "Spline") {
      left_out_.add("is a spline: its control points are joined by straight lines",
                    "are splines: their control points are joined by straight lines", name);
    }
    Polygon polygon{name, group, read_ring(node)};
    if (polygon.ring.size() < 3) {
      left_out_.add_without_area(name);
      return;
    }
    set_.polygons.push_back(std::move(polygon));
  }

  bool add_group(const std::string& group) {
    if (group.empty() ||
        std::find(set_.groups.begin(), set_.groups.end(), group) != set_.groups.end()) {
      return false;
    }
    set_.groups.push_back(group);
    return true;
  }

  void read_groups(const pugi::xml_node& groups) {
    const std::vector<std::string> used = set_.groups;
    std::vector<std::string> declared;
    for (const pugi::xml_node node : groups.children("Group")) {
      declared.emplace_back(node.attribute("Name").value());
      if (declared.back().empty()) fail(node, "a group without Name", "Name=\"...\"");
      add_group(declared.back());
    }
    for (const std::string& group : used) {
      if (std::find(declared.begin(), declared.end(), group) == declared.end()) {
        set_.notes.push_back(fmt::format("group '{}' is used but not declared", group));
      }
    }
  }

  std::string_view text_;
  const std::string& path_;
  AnnotationSet set_;
  LeftOut left_out_;
};

void append_attribute(pugi::xml_node& node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

}  // namespace

AnnotationSet parse_asap_xml(std::string_view text, const std::string& path) {
  return AsapReader(text, path).read();
}

void write_asap_xml(const AnnotationSet& set, const std::string& path) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  append_attribute(declaration, "version", "1.0");
  pugi::xml_node root = document.append_child("ASAP_Annotations");
  pugi::xml_node annotations = root.append_child("Annotations");
  std::vector<std::string> groups = set.groups;
  for (const Polygon& polygon : set.polygons) {
    if (!polygon.holes.empty()) {
      throw Error(
          ErrorCode::kInvalidArgument,
          fmt::format("annotation '{}' has a hole, which ASAP XML cannot hold", polygon.name),
          path);
    }
    pugi::xml_node node = annotations.append_child("Annotation");
    append_attribute(node, "Name", polygon.name);
    append_attribute(node, "Type", "Polygon");
    append_attribute(node, "PartOfGroup", polygon.group.empty() ? "None" : polygon.group);
    append_attribute(node, "Color", "#F4FA58");
    pugi::xml_node coordinates = node.append_child("Coordinates");
    for (size_t i = 0; i < polygon.ring.size(); ++i) {
      pugi::xml_node point = coordinates.append_child("Coordinate");
      append_attribute(point, "Order", std::to_string(i));
      append_attribute(point, "X", format_double(polygon.ring[i].x));
      append_attribute(point, "Y", format_double(polygon.ring[i].y));
    }
    if (!polygon.group.empty() &&
        std::find(groups.begin(), groups.end(), polygon.group) == groups.end()) {
      groups.push_back(polygon.group);
    }
  }
  pugi::xml_node declared = root.append_child("AnnotationGroups");
  for (const std::string& group : groups) {
    pugi::xml_node node = declared.append_child("Group");
    append_attribute(node, "Name", group);
    append_attribute(node, "PartOfGroup", "None");
    append_attribute(node, "Color", "#F4FA58");
    node.append_child("Attributes");
  }
  std::ostringstream text;
  document.save(text, "\t", pugi::format_default, pugi::encoding_utf8);
  io::write_file_atomic(path, text.str());
}

}  // namespace lamella::annotation
