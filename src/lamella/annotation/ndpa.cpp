// SPDX-License-Identifier: Apache-2.0
// Hamamatsu's NDPA: views with a title and what was drawn there, in nm from the centre of the glass
// slide; the .ndpi says how far the picture's centre lies from it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/annotation/xml_elements_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

constexpr double kNmPerUm = 1000;

// px = (nm - offset) / (1000 mpp) + size / 2
class GlassFrame {
 public:
  GlassFrame(const SlideFrame* frame, const std::string& path) {
    if (!frame) {
      throw Error(ErrorCode::kInvalidArgument,
                  "positions of NDPA are nm from the slide's centre; give its slide (`slide`)",
                  path);
    }
    if (!frame->mpp || !frame->offset_from_centre_nm) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("the slide has no {}, without which positions of NDPA (nm from the "
                              "slide's centre) have no place; give the .ndpi itself",
                              frame->mpp ? "hamamatsu.XOffsetFromSlideCentre" : "µm per pixel"),
                  path);
    }
    scale_ = {kNmPerUm * frame->mpp->x, kNmPerUm * frame->mpp->y};
    offset_ = *frame->offset_from_centre_nm;
    centre_ = {static_cast<double>(frame->size_px.width) / 2,
               static_cast<double>(frame->size_px.height) / 2};
  }
  PointF px(const PointF& nm) const {
    return {(nm.x - offset_.x) / scale_.x + centre_.x, (nm.y - offset_.y) / scale_.y + centre_.y};
  }
  PointF nm(const PointF& px) const {
    return {(px.x - centre_.x) * scale_.x + offset_.x, (px.y - centre_.y) * scale_.y + offset_.y};
  }
  PointF scale() const { return scale_; }

 private:
  PointF scale_, offset_, centre_;
};

class NdpaReader {
 public:
  NdpaReader(io::TextStream& text, const ReadOptions& options, ShapeSink& sink)
      : path_(text.path()), sink_(sink), frame_(options.frame, path_) {
    XmlReader(text, "annotations", "annotations/ndpviewstate")
        .read([&](XmlElement&& view, const std::vector<XmlElement>&) { read_view(view); });
    if (options.notes) left_out_.note(*options.notes);
  }

 private:
  double number(const XmlElement& element, const char* child) const {
    const std::string text = element.child_text(child);
    const std::optional<double> value = parse_double(text);
    if (!value || !(std::abs(*value) <= 1e12)) {
      fail_at(path_, element, fmt::format("{} '{}'", child, text), "a number of nm");
    }
    return *value;
  }

  PointF point(const XmlElement& element, const char* x = "x", const char* y = "y") const {
    const PointF at = frame_.px({number(element, x), number(element, y)});
    if (!is_coordinate(at.x) || !is_coordinate(at.y)) {
      fail_at(path_, element, "a place beyond 1e9 px", "nm from the slide's centre");
    }
    return at;
  }

  void read_view(const XmlElement& view) {
    const XmlElement* drawn = view.child("annotation");
    Shape shape;
    shape.group = view.child_text("title");
    shape.name = view.child_text("details");
    if (shape.name.empty()) shape.name = shape.group;
    shape.place = fmt::format("ndpviewstate {}", view.attribute_or("id"));
    if (!shape.group.empty()) sink_.declare({shape.group, std::nullopt});
    if (!drawn) {
      left_out_.add("is a view without a drawing: left out",
                    "are views without a drawing: left out", shape.label());
      return;
    }
    const std::string unit = view.child_text("coordformat");
    if (!unit.empty() && unit != "nanometers") {
      fail_at(path_, view, fmt::format("coordformat '{}'", unit), "nanometers");
    }
    const std::string type = drawn->attribute_or("type");
    shape.drawn_as = "of type " + type;
    shape.colour = parse_hex(to_lower(drawn->attribute_or("color")));
    read_drawn(type, *drawn, view, std::move(shape));
  }

  void read_drawn(const std::string& type, const XmlElement& drawn, const XmlElement& view,
                  Shape shape) {
    if (type == "freehand" || type == "rectangle") {
      std::vector<PointF> points;
      if (const XmlElement* list = drawn.child("pointlist")) {
        for (const XmlElement& item : list->children) points.push_back(point(item));
      }
      if (drawn.child_text("closed") == "0") {
        shape.kind = ShapeKind::kLines;
        shape.lines.push_back(std::move(points));
      } else {
        open_ring(points);
        shape.rectangle = type == "rectangle" || drawn.child_text("specialtype") == "rectangle";
        if (!take_ring(shape, std::move(points), left_out_)) return;
      }
    } else if (type == "circle") {
      const PointF centre = point(drawn);
      const double radius = number(drawn, "radius");
      const PointF half = {radius / frame_.scale().x, radius / frame_.scale().y};
      shape.ellipse = true;
      left_out_.add("is a circle: its outline is 360 straight lines",
                    "are circles: their outlines are 360 straight lines", shape.label());
      take_ring(shape, ellipse_ring({centre.x - half.x, centre.y - half.y, 2 * half.x, 2 * half.y}),
                left_out_);
    } else if (type == "linearmeasure") {
      shape.kind = ShapeKind::kLines;
      shape.lines.push_back({point(drawn, "x1", "y1"), point(drawn, "x2", "y2")});
    } else if (type == "pin") {
      shape.kind = ShapeKind::kPoints;
      shape.points.push_back(drawn.child("x") ? point(drawn) : point(view));
    } else if (type == "pointer") {
      left_out_.add("is an arrow: left out", "are arrows: left out", shape.label());
      return;
    } else {
      fail_at(path_, drawn, fmt::format("type='{}'", type),
              "one of freehand, rectangle, circle, linearmeasure, pin, pointer");
    }
    sink_.take(std::move(shape));
  }

  const std::string path_;
  ShapeSink& sink_;
  const GlassFrame frame_;
  LeftOut left_out_;
};

class NdpaWriter final : public ShapeWriter {
 public:
  NdpaWriter(const std::string& path, const WriteOptions& options)
      : frame_(options.frame, path), out_(path), losses_("NDPA", options.notes) {
    out_.put("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\n<annotations>\n");
  }

  void declare(const ShapeGroup& group) override { groups_.add(group.name, group.colour); }

  void take(Shape&& shape) override {
    losses_.add_usual(shape);
    groups_.add(shape.group, shape.group_colour ? shape.group_colour : shape.colour);
    if (shape.kind == ShapeKind::kAreas) {
      if (shape.ellipse) losses_.add("ellipses: written as outlines", shape);
      for (const Area& area : shape.areas) {
        if (!area.holes.empty()) {
          losses_.add("holes: joined to their outline by a line of no width", shape);
        }
        put_points(shape, bridged_ring(area), true);
      }
    } else if (shape.kind == ShapeKind::kLines) {
      for (const auto& line : shape.lines) put_points(shape, line, false);
    } else if (shape.kind == ShapeKind::kPoints) {
      for (const PointF& point : shape.points) {
        put_view(shape, "pin", "AnnotatePin", place(frame_.nm(point)), point);
      }
    } else {
      losses_.add("what has no geometry: left out", shape);
    }
  }

  void finish() override {
    out_.put("</annotations>\n");
    out_.finish();
    losses_.finish();
  }

 private:
  static std::string place(const PointF& nm) {
    return fmt::format("<x>{}</x><y>{}</y>", nm.x, nm.y);
  }

  void put_points(const Shape& shape, const std::vector<PointF>& points, bool closed) {
    if (points.empty()) return;
    std::string text =
        fmt::format("<measuretype>0</measuretype><closed>{}</closed><pointlist>\n", closed ? 1 : 0);
    for (const PointF& point : points) {
      text += "<point>" + place(frame_.nm(point)) + "</point>\n";
    }
    text += shape.rectangle ? "</pointlist><specialtype>rectangle</specialtype>" : "</pointlist>";
    put_view(shape, "freehand", shape.rectangle ? "AnnotateRectangle" : "AnnotateFreehand", text,
             points.front());
  }

  void put_view(const Shape& shape, const char* type, const char* shown, const std::string& inside,
                const PointF& at) {
    const Colour colour =
        shape.colour.value_or(shape.group_colour.value_or(groups_.colour_of(shape.group)));
    out_.put(fmt::format(
        "<ndpviewstate id=\"{}\"><title>{}</title><details>{}</details>"
        "<coordformat>nanometers</coordformat><lens>20</lens>{}<z>0</z><showtitle>0</showtitle>"
        "<showhistogram>0</showhistogram><showlineprofile>0</showlineprofile>\n"
        "<annotation type=\"{}\" displayname=\"{}\" color=\"{}\">{}</annotation></ndpviewstate>\n",
        ++count_, xml_escaped(shape.group), xml_escaped(shape.name), place(frame_.nm(at)), type,
        shown, to_hex(colour), inside));
  }

  const GlassFrame frame_;
  TextOut out_;
  Losses losses_;
  Groups groups_;
  int64_t count_ = 0;
};

}  // namespace

void read_ndpa(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  NdpaReader(text, options, sink);
}

std::unique_ptr<ShapeWriter> write_ndpa(const std::string& path, const WriteOptions& options) {
  return std::make_unique<NdpaWriter>(path, options);
}

}  // namespace lamella::annotation
