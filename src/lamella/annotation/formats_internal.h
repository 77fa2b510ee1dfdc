// SPDX-License-Identifier: Apache-2.0
// Readers and writers of each format, for the table, and what they share.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "lamella/annotation/formats.h"
#include "lamella/annotation/left_out_internal.h"

namespace lamella::annotation {

// Name of the first element of an XML text, "" if it begins with none.
std::string_view xml_root(std::string_view text);
// '{' or '[' of a JSON text, '\0' if it begins otherwise.
char json_bracket(std::string_view text);
inline bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

void read_geojson(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_geojson(const std::string& path, const WriteOptions& options);
void read_asap_xml(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_asap_xml(const std::string& path, const WriteOptions& options);
void read_aperio_xml(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_aperio_xml(const std::string& path, const WriteOptions& options);
void read_ncrf_json(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_ncrf_json(const std::string& path, const WriteOptions& options);
void read_slideflow_csv(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_slideflow_csv(const std::string& path,
                                                 const WriteOptions& options);
void read_ndpa(io::TextStream& text, const ReadOptions& options, ShapeSink& sink);
std::unique_ptr<ShapeWriter> write_ndpa(const std::string& path, const WriteOptions& options);

// An area shape of one ring, or a note that it has none.
inline bool take_ring(Shape& shape, std::vector<PointF> ring, LeftOut& left_out) {
  if (ring.size() < 3) {
    left_out.add_without_area(shape.label());
    return false;
  }
  shape.kind = ShapeKind::kAreas;
  shape.areas.push_back({std::move(ring), {}});
  return true;
}

// Text on its way into a file, written atomically; gzip if the name ends in .gz.
class TextOut {
 public:
  explicit TextOut(const std::string& path);
  ~TextOut();  // without finish(): no file is left
  void put(std::string_view text);
  void put_number(double value);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text with &, <, >, " and control characters as XML attributes want them.
std::string xml_escaped(std::string_view text);

// Notes what of a shape a format cannot say, by kinds.
class Losses {
 public:
  Losses(std::string format, io::Notes notes) : format_(std::move(format)), notes_(notes) {}
  void add(const std::string& what, const Shape& shape);  // "holes: joined to their outline ..."
  // What formats of outlines, classes and names alone lose: ids, measurements, object types.
  void add_usual(const Shape& shape);
  // The same of formats of outlines without colours. False: the shape is none, and is left out.
  bool outlines_alone(const Shape& shape);
  void finish();

 private:
  std::string format_;
  io::Notes notes_;
  LeftOut kinds_;
};

// Classes with their colours, in the order in which they were met.
class Groups {
 public:
  // Keeps the first colour that is said of a class.
  void add(const std::string& name, const std::optional<Colour>& colour);
  Colour colour_of(const std::string& name) const;
  const std::vector<ShapeGroup>& all() const { return groups_; }

 private:
  std::vector<ShapeGroup> groups_;
  std::map<std::string, size_t> places_;
};

}  // namespace lamella::annotation
