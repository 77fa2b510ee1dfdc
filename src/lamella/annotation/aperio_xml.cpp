// SPDX-License-Identifier: Apache-2.0
// Aperio ImageScope's XML: layers ("Annotation") of regions; a region with NegativeROA is cut out
// of those of its layer. Regions have a Type: 0 drawn freely, 1 rectangle, 2 ellipse (two corners
// of its box), 3 arrow, 4 ruler; LineColor is blue, green, red from the high byte down.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/annotation/xml_elements_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::annotation {

namespace {

constexpr const char* kRegion = "Annotations/Annotation/Regions/Region";

std::optional<Colour> packed_colour(const XmlElement& element) {
  const auto value = parse_int(element.attribute_or("LineColor"));
  if (!value || *value < 0 || *value > 0xffffff) return std::nullopt;
  return Colour{static_cast<uint8_t>(*value), static_cast<uint8_t>(*value >> 8),
                static_cast<uint8_t>(*value >> 16)};
}

bool is_negative(const XmlElement& region) { return region.attribute_or("NegativeROA") == "1"; }

// Whose place in the file tells one layer from another of the same name.
int64_t layer_of(const std::vector<XmlElement>& around) {
  return around[1].line * 100'000 + around[1].column;
}

bool boxes_meet(const RectF& a, const RectF& b) {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height &&
         b.y <= a.y + a.height;
}

class AperioReader {
 public:
  AperioReader(io::TextStream& text, const ReadOptions& options, ShapeSink& sink)
      : path_(text.path()), sink_(sink), repair_(path_) {
    // Holes may follow what they are cut out of: they are gathered first.
    XmlReader(text, "Annotations", kRegion)
        .read([&](XmlElement&& region, const std::vector<XmlElement>& around) {
          if (!is_negative(region)) return;
          Hole hole{points_of(region), {}, label_of(region)};
          open_ring(hole.ring);
          if (hole.ring.size() < 3) return left_out_.add_without_area(hole.label);
          hole.box = box_of_ring(hole.ring);
          holes_[layer_of(around)].push_back(std::move(hole));
        });
    text.rewind();
    XmlReader(text, "Annotations", kRegion)
        .read([&](XmlElement&& region, const std::vector<XmlElement>& around) {
          if (!is_negative(region)) read_region(region, around);
        });
    for (const auto& [layer, holes] : holes_) {
      for (const Hole& hole : holes) {
        if (hole.used) continue;
        left_out_.add("is a hole (NegativeROA) that lies in no region of its layer: left out",
                      "are holes (NegativeROA) that lie in no region of their layers: left out",
                      hole.label);
      }
    }
    if (options.notes) left_out_.note(*options.notes);
  }

 private:
  struct Hole {
    std::vector<PointF> ring;
    RectF box;
    std::string label;
    bool used = false;
  };

  static std::string label_of(const XmlElement& region) {
    const std::string text = region.attribute_or("Text");
    return text.empty()
               ? fmt::format("region {} at line {}", region.attribute_or("Id"), region.line)
               : text;
  }

  std::vector<PointF> points_of(const XmlElement& region) const {
    std::vector<PointF> points;
    const XmlElement* vertices = region.child("Vertices");
    if (!vertices) vertices = region.child("Vertexes");
    if (!vertices) fail_at(path_, region, "no element 'Vertices'", "one inside 'Region'");
    for (const XmlElement& vertex : vertices->children) {
      if (vertex.name != "Vertex" && vertex.name != "V") continue;
      points.push_back({xml_number(vertex, "X", path_), xml_number(vertex, "Y", path_)});
    }
    return points;
  }

  // A layer's name, or the description that ImageScope keeps among its attributes.
  static std::string layer_name(const XmlElement& layer) {
    const std::string name(trim(layer.attribute_or("Name")));
    if (!name.empty()) return name;
    const XmlElement* attributes = layer.child("Attributes");
    if (!attributes) return {};
    for (const XmlElement& attribute : attributes->children) {
      if (attribute.attribute_or("Name") == "Description") {
        return std::string(trim(attribute.attribute_or("Value")));
      }
    }
    return {};
  }

  void read_region(const XmlElement& region, const std::vector<XmlElement>& around) {
    const XmlElement& layer = around[1];
    Shape shape;
    shape.name = region.attribute_or("Text");
    shape.group = layer_name(layer);
    if (shape.group.empty()) {
      shape.group = shape.name;
      if (!shape.group.empty()) {
        left_out_.add("is in a layer without a name: its text is taken as its class",
                      "are in layers without a name: their texts are taken as their classes",
                      shape.name);
      }
    }
    shape.group_colour = packed_colour(layer);
    shape.place = label_of(region);
    const std::string type = region.attribute_or("Type", "0");
    shape.drawn_as = "of type " + type;
    if (!shape.group.empty()) sink_.declare({shape.group, shape.group_colour});
    std::vector<PointF> points = points_of(region);
    if (type == "3") {
      left_out_.add("is an arrow: left out", "are arrows: left out", shape.label());
      return;
    }
    if (type == "4" || (type == "0" && layer.attribute_or("Type") == "5")) {
      shape.kind = ShapeKind::kLines;
      shape.lines.push_back(std::move(points));
      return sink_.take(std::move(shape));
    }
    if (type == "2" && points.size() >= 2) {
      left_out_.add("is an ellipse: its outline is 360 straight lines",
                    "are ellipses: their outlines are 360 straight lines", shape.label());
      points = ellipse_ring(box_of_ring(points));
      shape.ellipse = true;
    }
    if (type == "5" || points.size() == 1) {
      shape.kind = ShapeKind::kPoints;
      shape.points = std::move(points);
      return sink_.take(std::move(shape));
    }
    shape.rectangle = type == "1";
    open_ring(points);
    if (!take_ring(shape, std::move(points), left_out_)) return;
    cut_holes(shape, layer_of(around));
    sink_.take(std::move(shape));
  }

  void cut_holes(Shape& shape, int64_t layer) {
    const auto holes = holes_.find(layer);
    if (holes == holes_.end()) return;
    const RectF box = box_of_ring(shape.areas.front().ring);
    for (Hole& hole : holes->second) {
      if (!boxes_meet(box, hole.box)) continue;
      if (!repair_.meet(shape.areas.front().ring, hole.ring)) continue;
      shape.areas.front().holes.push_back(hole.ring);
      hole.used = true;
    }
  }

  const std::string path_;
  ShapeSink& sink_;
  AreaRepair repair_;
  LeftOut left_out_;
  std::map<int64_t, std::vector<Hole>> holes_;
};

// A layer a class, in the order of the classes. Regions of a class lie in a file of their own until
// all are known.
class AperioWriter final : public ShapeWriter {
 public:
  AperioWriter(const std::string& path, const WriteOptions& options)
      : path_(path), frame_(options.frame), losses_("ImageScope's XML", options.notes) {}

  ~AperioWriter() override {
    for (Layer& layer : layers_) {
      if (layer.regions) std::fclose(layer.regions);
    }
  }

  void declare(const ShapeGroup& group) override {
    groups_.add(group.name, group.colour);
    if (!group.name.empty()) layer_of(group.name);
  }

  void take(Shape&& shape) override {
    losses_.add_usual(shape);
    groups_.add(shape.group, shape.group_colour ? shape.group_colour : shape.colour);
    if (shape.colour && shape.group_colour && *shape.colour != *shape.group_colour) {
      losses_.add("a colour of its own beside its class's", shape);
    }
    if (shape.kind == ShapeKind::kAreas) {
      for (const Area& area : shape.areas) {
        if (shape.ellipse && area.holes.empty()) {
          const RectF box = box_of_ring(area.ring);
          put(shape, 2, false, {{box.x, box.y}, {box.x + box.width, box.y + box.height}});
          continue;
        }
        put(shape, shape.rectangle && area.ring.size() == 4 ? 1 : 0, false, area.ring);
        for (const auto& hole : area.holes) put(shape, 0, true, hole);
      }
    } else if (shape.kind == ShapeKind::kLines) {
      for (const auto& line : shape.lines) put(shape, 4, false, line);
    } else if (shape.kind == ShapeKind::kPoints) {
      for (const PointF& point : shape.points) put(shape, 5, false, {point});
      if (shape.points.size() > 1) losses_.add("that several points are one annotation", shape);
    } else {
      losses_.add("what has no geometry: left out", shape);
    }
  }

  void finish() override {
    TextOut out(path_);
    out.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Annotations");
    if (frame_ && frame_->mpp) out.put(fmt::format(" MicronsPerPixel=\"{}\"", frame_->mpp->x));
    out.put(">\n");
    for (size_t i = 0; i < layers_.size(); ++i) put_layer(layers_[i], i + 1, out);
    out.put("</Annotations>\n");
    out.finish();
    losses_.finish();
  }

 private:
  struct Layer {
    std::string name;
    std::FILE* regions = nullptr;
    int64_t count = 0;
  };

  Layer& layer_of(const std::string& name) {
    const auto [place, added] = places_.try_emplace(name, layers_.size());
    if (added) {
      constexpr size_t kMaxLayers = 500;  // a file each
      if (layers_.size() >= kMaxLayers) {
        throw Error(ErrorCode::kLimit, "found more than 500 classes, which are layers there",
                    path_);
      }
      layers_.push_back({name, std::tmpfile(), 0});
      if (!layers_.back().regions) {
        throw Error(ErrorCode::kIo, "no temporary file could be made", path_);
      }
    }
    return layers_[place->second];
  }

  void put(const Shape& shape, int type, bool negative, const std::vector<PointF>& points) {
    Layer& layer = layer_of(shape.group);
    std::string text =
        fmt::format("<Region Id=\"{}\" Type=\"{}\" Text=\"{}\" NegativeROA=\"{}\"><Vertices>\n",
                    ++layer.count, type, xml_escaped(shape.name), negative ? 1 : 0);
    for (const PointF& point : points) {
      fmt::format_to(std::back_inserter(text), "<Vertex X=\"{}\" Y=\"{}\" Z=\"0\"/>\n", point.x,
                     point.y);
    }
    text += "</Vertices></Region>\n";
    if (std::fwrite(text.data(), 1, text.size(), layer.regions) != text.size()) {
      throw Error(ErrorCode::kIo, "a temporary file could not be written", path_);
    }
  }

  void put_layer(Layer& layer, size_t number, TextOut& out) {
    const Colour colour = groups_.colour_of(layer.name);
    out.put(fmt::format(
        "<Annotation Id=\"{}\" Name=\"{}\" ReadOnly=\"0\" LineColor=\"{}\" Visible=\"1\" "
        "Selected=\"0\" Type=\"4\"><Regions>\n",
        number, xml_escaped(layer.name), colour.red | colour.green << 8 | colour.blue << 16));
    std::rewind(layer.regions);
    std::string buffer(size_t{1} << 16, '\0');
    for (size_t count; (count = std::fread(buffer.data(), 1, buffer.size(), layer.regions)) > 0;) {
      out.put(std::string_view(buffer).substr(0, count));
    }
    out.put("</Regions></Annotation>\n");
  }

  const std::string path_;
  const SlideFrame* frame_;
  Losses losses_;
  Groups groups_;
  std::vector<Layer> layers_;
  std::map<std::string, size_t> places_;
};

}  // namespace

void read_aperio_xml(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  AperioReader(text, options, sink);
}

std::unique_ptr<ShapeWriter> write_aperio_xml(const std::string& path,
                                              const WriteOptions& options) {
  return std::make_unique<AperioWriter>(path, options);
}

}  // namespace lamella::annotation
