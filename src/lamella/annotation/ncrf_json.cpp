// SPDX-License-Identifier: Apache-2.0
// NCRF's JSON: {"positive": [{"name", "vertices": [[x, y], ...]}], "negative": [...]}.
#include <fmt/format.h>

#include <cstdio>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/annotation/json_document_internal.h"
#include "lamella/annotation/json_lists_internal.h"
#include "lamella/annotation/repair.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"

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
    const auto place = [&] { return fmt::format("{}.vertices[{}]", where, i); };
    if (!point.is_array() || point.size() != 2)
      fail_at(path, place(), json_excerpt(point), "[x, y]");
    if (point[0].is_number() && point[1].is_number()) {
      const PointF at{point[0].get<double>(), point[1].get<double>()};
      if (is_coordinate(at.x) && is_coordinate(at.y)) {
        ring.push_back(at);
        continue;
      }
    }
    ring.push_back(
        {json_coordinate(point[0], path, place()), json_coordinate(point[1], path, place())});
  }
  open_ring(ring);
  return ring;
}

// CAMELYON16's and ASAP's usual words for what is not tumour.
bool is_negative(const std::string& group) {
  const std::string word = to_lower(group);
  return word == "negative" || word == "normal" || word == "exclusion" || word == "_2" ||
         word == "benign";
}

class NcrfWriter final : public ShapeWriter {
 public:
  NcrfWriter(const std::string& path, const WriteOptions& options)
      : path_(path), out_(path), negative_(std::tmpfile()), losses_("NCRF JSON", options.notes) {
    if (!negative_) throw Error(ErrorCode::kIo, "no temporary file could be made", path_);
    out_.put("{\"positive\": [");
  }
  ~NcrfWriter() override { std::fclose(negative_); }

  void declare(const ShapeGroup&) override {}

  void take(Shape&& shape) override {
    if (!losses_.outlines_alone(shape)) return;
    const bool negative = is_negative(shape.group);
    if (shape.group != "positive" && shape.group != "negative") {
      losses_.add(fmt::format("the class '{}': written as {}", shape.group,
                              negative ? "negative" : "positive"),
                  shape);
    }
    for (const Area& area : shape.areas) {
      if (!area.holes.empty()) {
        losses_.add("holes: joined to their outline by a line of no width", shape);
      }
      put(shape, bridged_ring(area), negative);
    }
  }

  void finish() override {
    out_.put("\n], \"negative\": [");
    std::rewind(negative_);
    std::string buffer(size_t{1} << 16, '\0');
    for (size_t count; (count = std::fread(buffer.data(), 1, buffer.size(), negative_)) > 0;) {
      out_.put(std::string_view(buffer).substr(0, count));
    }
    out_.put("\n]}\n");
    out_.finish();
    losses_.finish();
  }

 private:
  void put(const Shape& shape, const std::vector<PointF>& ring, bool negative) {
    int64_t& count = negative ? negatives_ : positives_;
    std::string text = count++ > 0 ? ",\n" : "\n";
    text += fmt::format("{{\"name\": {}, \"vertices\": [",
                        json(shape.name).dump(-1, ' ', false, json::error_handler_t::replace));
    for (size_t i = 0; i < ring.size(); ++i) {
      fmt::format_to(std::back_inserter(text), "{}[{}, {}]", i > 0 ? ", " : "", ring[i].x,
                     ring[i].y);
    }
    text += "]}";
    if (!negative) return out_.put(text);
    if (std::fwrite(text.data(), 1, text.size(), negative_) != text.size()) {
      throw Error(ErrorCode::kIo, "a temporary file could not be written", path_);
    }
  }

  const std::string path_;
  TextOut out_;
  std::FILE* negative_;  // the second list, until the first is whole
  Losses losses_;
  int64_t positives_ = 0, negatives_ = 0;
};

}  // namespace

void read_ncrf_json(io::TextStream& text, const ReadOptions& options, ShapeSink& sink) {
  const std::string path = text.path();
  LeftOut left_out;
  sink.declare({"positive", std::nullopt});
  sink.declare({"negative", std::nullopt});
  JsonLists lists(text, "an NCRF annotation file");
  lists.read({"positive", "negative"}, [&](const std::string& where, json&& polygon) {
    if (!polygon.is_object()) fail_at(path, where, json_excerpt(polygon), "a polygon");
    Shape shape;
    shape.place = where;
    shape.group = where.substr(0, where.find('['));
    const auto name = polygon.find("name");
    if (name != polygon.end() && name->is_string()) shape.name = name->get<std::string>();
    if (take_ring(shape, read_ring(polygon, path, where), left_out)) sink.take(std::move(shape));
  });
  if (!lists.rest().is_object()) {
    fail_at(path, "the document", "no object", "{\"positive\": [...], ...}");
  }
  for (const char* list : {"positive", "negative"}) {
    if (lists.saw(list)) continue;
    fail_at(path, "the document", fmt::format("no list '{}'", list),
            "the lists 'positive' and 'negative' (an NCRF annotation file)");
  }
  if (options.notes) left_out.note(*options.notes);
}

std::unique_ptr<ShapeWriter> write_ncrf_json(const std::string& path, const WriteOptions& options) {
  return std::make_unique<NcrfWriter>(path, options);
}

}  // namespace lamella::annotation
