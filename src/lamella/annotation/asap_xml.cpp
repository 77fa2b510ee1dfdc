// SPDX-License-Identifier: Apache-2.0
// ASAP's XML: annotations of a type, each in a group or in none; groups are declared at the end.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/annotation/spline.h"
#include "lamella/annotation/xml_elements_internal.h"
#include "lamella/base/text.h"

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
  AsapReader(io::TextStream& text, const ReadOptions& options, ShapeSink& sink)
      : path_(text.path()), sink_(sink) {
    XmlReader reader(text, "ASAP_Annotations", "ASAP_Annotations/Annotations/Annotation");
    const XmlElement root = reader.read(
        [&](XmlElement&& item, const std::vector<XmlElement>&) { read_annotation(item); });
    if (!root.child("Annotations")) {
      fail_at(path_, root, "no element 'Annotations'", "one inside 'ASAP_Annotations'");
    }
    if (options.notes) left_out_.note(*options.notes);
    const XmlElement* groups = root.child("AnnotationGroups");
    std::vector<std::string> declared;
    if (groups) declared = declare_groups(*groups);
    for (const std::string& group : used_) {
      if (options.notes && std::find(declared.begin(), declared.end(), group) == declared.end()) {
        options.notes->push_back(fmt::format("group '{}' is used but not declared", group));
      }
    }
  }

 private:
  std::vector<std::string> declare_groups(const XmlElement& groups) {
    std::vector<std::string> declared;
    for (const XmlElement& node : groups.children) {
      if (node.name != "Group") continue;
      const std::string name = node.attribute_or("Name");
      if (name.empty()) fail_at(path_, node, "a group without Name", "Name=\"...\"");
      declared.push_back(name);
      sink_.declare({name, parse_hex(node.attribute_or("Color"))});
    }
    return declared;
  }

  std::vector<PointF> read_points(const XmlElement& annotation) const {
    struct Ordered {
      double order;
      PointF point;
    };
    std::vector<Ordered> points;
    const XmlElement* coordinates = annotation.child("Coordinates");
    if (!coordinates) return {};
    for (const XmlElement& node : coordinates->children) {
      if (node.name != "Coordinate") continue;
      const double order = node.attribute("Order") ? xml_number(node, "Order", path_)
                                                   : static_cast<double>(points.size());
      points.push_back({order, {xml_number(node, "X", path_), xml_number(node, "Y", path_)}});
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const Ordered& a, const Ordered& b) { return a.order < b.order; });
    std::vector<PointF> sorted;
    for (const Ordered& ordered : points) sorted.push_back(ordered.point);
    return sorted;
  }

  void read_annotation(const XmlElement& node) {
    Shape shape;
    shape.name = node.attribute_or("Name");
    const std::string type = node.attribute_or("Type");
    shape.group = node.attribute_or("PartOfGroup");
    if (shape.group == "None") shape.group.clear();
    shape.colour = parse_hex(node.attribute_or("Color"));
    shape.place = fmt::format("line {}", node.line);
    shape.drawn_as = "of type " + type;
    if (!contains(kAreaTypes, type) && !contains(kOtherTypes, type)) {
      fail_at(
          path_, node, fmt::format("Type='{}'", type),
          fmt::format("one of {}, {}", fmt::join(kAreaTypes, ", "), fmt::join(kOtherTypes, ", ")));
    }
    if (!shape.group.empty() && std::find(used_.begin(), used_.end(), shape.group) == used_.end()) {
      used_.push_back(shape.group);
      sink_.declare({shape.group, std::nullopt});
    }
    std::vector<PointF> points = read_points(node);
    if (contains(kAreaTypes, type)) {
      open_ring(points);
      shape.rectangle = type == "Rectangle";
      if (type == "Spline") {
        left_out_.add("is a spline: its curve was made straight lines, 16 from point to point",
                      "are splines: their curves were made straight lines, 16 from point to point",
                      shape.name);
        points = flatten_spline(std::move(points));
      }
      if (!take_ring(shape, std::move(points), left_out_)) return;
    } else if (type == "Measurement" && points.size() > 1) {
      shape.kind = ShapeKind::kLines;
      shape.lines.push_back(std::move(points));
    } else if (!points.empty()) {
      shape.kind = ShapeKind::kPoints;
      shape.points = std::move(points);
    }
    sink_.take(std::move(shape));
  }

  const std::string path_;
  ShapeSink& sink_;
  LeftOut left_out_;
  std::vector<std::string> used_;
};

class AsapWriter final : public ShapeWriter {
 public:
  AsapWriter(const std::string& path, const WriteOptions& options)
      : out_(path), losses_("ASAP XML", options.notes) {
    out_.put("<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n");
  }

  void declare(const ShapeGroup& group) override { groups_.add(group.name, group.colour); }

  void take(Shape&& shape) override {
    losses_.add_usual(shape);
    groups_.add(shape.group, shape.group_colour ? shape.group_colour : shape.colour);
    if (shape.group == "None") losses_.add("a class named None, which means none there", shape);
    if (shape.kind == ShapeKind::kAreas) {
      if (shape.ellipse) losses_.add("ellipses: written as polygons", shape);
      for (const Area& area : shape.areas) {
        if (!area.holes.empty()) {
          losses_.add("holes: joined to their outline by a line of no width", shape);
        }
        const bool box = shape.rectangle && area.ring.size() == 4 && area.holes.empty();
        put(shape, box ? "Rectangle" : "Polygon", bridged_ring(area));
      }
    } else if (shape.kind == ShapeKind::kPoints) {
      put(shape, shape.points.size() == 1 ? "Dot" : "PointSet", shape.points);
    } else if (shape.kind == ShapeKind::kLines) {
      for (const std::vector<PointF>& line : shape.lines) {
        if (line.size() == 2) {
          put(shape, "Measurement", line);
        } else {
          losses_.add("lines of more than two points: left out", shape);
        }
      }
    } else {
      losses_.add("what has no geometry: left out", shape);
    }
  }

  void finish() override {
    out_.put("\t</Annotations>\n\t<AnnotationGroups>\n");
    for (const ShapeGroup& group : groups_.all()) {
      out_.put(
          fmt::format("\t\t<Group Name=\"{}\" PartOfGroup=\"None\" Color=\"{}\">"
                      "<Attributes /></Group>\n",
                      xml_escaped(group.name), to_hex(groups_.colour_of(group.name))));
    }
    out_.put("\t</AnnotationGroups>\n</ASAP_Annotations>\n");
    out_.finish();
    losses_.finish();
  }

 private:
  void put(const Shape& shape, const char* type, const std::vector<PointF>& points) {
    const Colour colour = shape.colour.value_or(shape.group_colour.value_or(
        shape.group.empty() ? Colour{244, 250, 88} : groups_.colour_of(shape.group)));
    std::string text = fmt::format(
        "\t\t<Annotation Name=\"{}\" Type=\"{}\" PartOfGroup=\"{}\" Color=\"{}\">\n"
        "\t\t\t<Coordinates>\n",
        xml_escaped(shape.name), type, shape.group.empty() ? "None" : xml_escaped(shape.group),
        to_hex(colour));
    for (size_t i = 0; i < points.size(); ++i) {
      fmt::format_to(std::back_inserter(text),
                     "\t\t\t\t<Coordinate Order=\"{}\" X=\"{}\" Y=\"{}\" />\n", i, points[i].x,
                     points[i].y);
    }
    out_.put(text + "\t\t\t</Coordinates>\n\t\t</Annotation>\n");
  }

  TextOut out_;
  Losses losses_;
  Groups groups_;
};

}  // namespace

void read_asap_xml(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  AsapReader(text, options, sink);
}

std::unique_ptr<ShapeWriter> write_asap_xml(const std::string& path, const WriteOptions& options) {
  return std::make_unique<AsapWriter>(path, options);
}

}  // namespace lamella::annotation
