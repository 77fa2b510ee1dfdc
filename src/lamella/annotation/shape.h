// SPDX-License-Identifier: Apache-2.0
// What any program's annotations say, in level-0 px: the model between all formats. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::annotation {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};
// "#f4fa58"
std::string to_hex(const Colour& colour);
// nullopt unless it is # and six hexadecimal digits.
std::optional<Colour> parse_hex(std::string_view text);

struct Area {
  std::vector<PointF> ring;                     // not closed, at least 3 points
  std::vector<std::vector<PointF>> holes = {};  // not closed, cut out of it
};

enum class ShapeKind { kNothing, kAreas, kLines, kPoints };

struct Shape {
  ShapeKind kind = ShapeKind::kNothing;
  std::vector<Area> areas;                 // kAreas; several are one annotation (MultiPolygon)
  std::vector<std::vector<PointF>> lines;  // kLines, open
  std::vector<PointF> points;              // kPoints
  std::string name;
  std::string group;                       // its class, "" without; derived ones "Tumor: Positive"
  std::optional<Colour> colour;            // its own
  std::optional<Colour> group_colour;      // its class's, where the format says it beside the shape
  std::string id;                          // "" without
  std::string object_type = "annotation";  // or "detection", "tile", "cell", as QuPath has them
  std::vector<std::pair<std::string, double>> measurements;
  bool ellipse = false;    // areas[0].ring goes round one that fills its box
  bool rectangle = false;  // drawn as one
  bool locked = false;
  std::string more;      // JSON object: what else a QuPath file says of it, "" without
  std::string drawn_as;  // the format's word, for messages: "of type Dot", "with geometry Point"
  std::string place;     // in the file: "features[3]"

  // For messages and for those that need a name: the name, the id, or the place.
  const std::string& label() const { return !name.empty() ? name : !id.empty() ? id : place; }
};

struct ShapeGroup {
  std::string name;
  std::optional<Colour> colour;
};

// What readers give shapes to, one at a time.
class ShapeSink {
 public:
  virtual ~ShapeSink() = default;
  virtual void take(Shape&& shape) = 0;
  // A class that the file declares, with shapes or without; may come before or after them.
  virtual void declare(const ShapeGroup& group) = 0;
};

// The colour of the n-th class that has none of its own.
Colour palette_colour(size_t n);

// A ring around an ellipse that fills the box: 360 points, so 5e-5 of its area is missing.
std::vector<PointF> ellipse_ring(const RectF& box);
RectF box_of_ring(const std::vector<PointF>& ring);

}  // namespace lamella::annotation
