// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/formats_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

bool is_geojson(std::string_view head) {
  const char bracket = json_bracket(head);
  const bool features = holds(head, "\"FeatureCollection\"") || holds(head, "\"Feature\"") ||
                        holds(head, "\"features\"") || holds(head, "\"geometry\"") ||
                        holds(head, "\"coordinates\"");
  if (bracket == '{') return features;
  const std::string_view inside = bracket == '[' ? trim(trim(head).substr(1)) : std::string_view();
  // A list of features, of anything else than objects of another kind, or without an item.
  return bracket == '[' && (features || !inside.starts_with('{'));
}

bool is_ncrf(std::string_view head) {
  return json_bracket(head) == '{' && (holds(head, "\"positive\"") || holds(head, "\"negative\"") ||
                                       holds(head, "\"vertices\""));
}

bool is_slideflow(std::string_view head) {
  const std::string first = to_lower(trim(head).substr(0, trim(head).find_first_of("\r\n")));
  return holds(first, "roi_name") && holds(first, "x_base") && holds(first, "y_base");
}

bool has_root(std::string_view head, std::string_view root) { return xml_root(head) == root; }

// The order counts: the first that takes a text reads it.
constexpr std::array<AnnotationFormat, 6> kFormats = {{
    {"asap", "ASAP XML", ".xml", false,
     [](std::string_view head) { return has_root(head, "ASAP_Annotations"); }, read_asap_xml,
     write_asap_xml},
    {"geojson", "GeoJSON of QuPath", ".geojson", false, is_geojson, read_geojson, write_geojson},
    {"ncrf", "NCRF JSON", ".json", false, is_ncrf, read_ncrf_json, write_ncrf_json},
    {"aperio", "Aperio ImageScope XML", ".xml", false,
     [](std::string_view head) { return has_root(head, "Annotations"); }, read_aperio_xml,
     write_aperio_xml},
    {"ndpa", "Hamamatsu NDPA", ".ndpa", true,
     [](std::string_view head) { return has_root(head, "annotations"); }, read_ndpa, write_ndpa},
    {"slideflow", "slideflow ROI CSV", ".csv", false, is_slideflow, read_slideflow_csv,
     write_slideflow_csv},
}};

// What a text that no format takes begins with.
std::string beginning(std::string_view text) {
  constexpr size_t kMaxShown = 30;
  const std::string_view rest = trim(text);
  if (rest.empty()) return "an empty file";
  if (const std::string_view root = xml_root(text); !root.empty()) {
    return fmt::format("XML with the root element '{}'", root.substr(0, kMaxShown));
  }
  if (json_bracket(text) != '\0') return "JSON without positive and negative lists or features";
  return fmt::format("a file that begins with '{}'",
                     trim(rest.substr(0, std::min(rest.find('\n'), kMaxShown))));
}

// Shapes as a set of polygons.
class Collector final : public ShapeSink {
 public:
  explicit Collector(AnnotationSet& set) : set_(set) {}

  void declare(const ShapeGroup& group) override {
    if (!group.name.empty() && known_.insert(group.name).second) set_.groups.push_back(group.name);
  }

  void take(Shape&& shape) override {
    if (shape.kind != ShapeKind::kAreas) {
      left_out_.add(shape.drawn_as + " has no area: left out",
                    shape.drawn_as + " have no area: left out", shape.label());
      return;
    }
    declare({shape.group, std::nullopt});
    for (Area& area : shape.areas) {
      set_.polygons.push_back(
          {shape.label(), shape.group, std::move(area.ring), std::move(area.holes)});
    }
  }

  void finish(std::vector<std::string> notes) {
    left_out_.note(set_.notes);
    std::move(notes.begin(), notes.end(), std::back_inserter(set_.notes));
  }

 private:
  AnnotationSet& set_;
  LeftOut left_out_;
  std::set<std::string> known_;
};

AnnotationSet collect(io::TextStream& text, const std::string& format,
                      std::vector<std::string>& notes, const SlideFrame* frame) {
  AnnotationSet set;
  set.path = text.path();
  Collector collector(set);
  std::vector<std::string> read;
  (format.empty() ? require_format(text) : annotation_format(format))
      .read(text, {.frame = frame, .notes = &read}, collector);
  collector.finish(std::move(read));
  for (const std::string& note : notes) set.notes.push_back(text.path() + ": " + note);
  return set;
}

}  // namespace

std::span<const AnnotationFormat> annotation_formats() { return kFormats; }

const AnnotationFormat& annotation_format(std::string_view name) {
  std::vector<std::string> names;
  for (const AnnotationFormat& format : kFormats) {
    if (format.name == name) return format;
    names.emplace_back(format.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("found the annotation format '{}', expected one of {}{}", name,
                          join(names, ", "), did_you_mean(name, names)));
}

const AnnotationFormat* detect_format(io::TextStream& text) {
  const std::string_view head = text.head();
  for (const AnnotationFormat& format : kFormats) {
    if (format.detect(head)) return &format;
  }
  return nullptr;
}

const AnnotationFormat& require_format(io::TextStream& text) {
  if (const AnnotationFormat* format = detect_format(text)) return *format;
  std::vector<std::string> titles;
  for (const AnnotationFormat& format : kFormats) titles.emplace_back(format.title);
  throw Error(ErrorCode::kFormat,
              fmt::format("found {}, expected annotations as one of: {}", beginning(text.head()),
                          join(titles, ", ")),
              text.path());
}

const AnnotationFormat* format_of_name(const std::string& path) {
  std::string name = to_lower(path);
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const AnnotationFormat* found = nullptr;
  for (const AnnotationFormat& format : kFormats) {
    if (!name.ends_with(format.extension)) continue;
    if (found) return nullptr;
    found = &format;
  }
  return found;
}

void read_shapes(const std::string& path, const std::string& format, const ReadOptions& options,
                 ShapeSink& sink) {
  io::TextStream text(path, options.notes);
  const AnnotationFormat& known = format.empty() ? require_format(text) : annotation_format(format);
  known.read(text, options, sink);
}

std::string_view xml_root(std::string_view text) {
  // What may stand before the root: <?...?>, <!--...-->, <!DOCTYPE ...>.
  for (;;) {
    text = trim(text);
    std::string_view end;
    if (text.starts_with("<?")) {
      end = "?>";
    } else if (text.starts_with("<!--")) {
      end = "-->";
    } else if (text.starts_with("<!")) {
      // A document type may hold declarations in brackets.
      end = text.find('[') < text.find('>') ? "]>" : ">";
    } else {
      break;
    }
    const size_t at = text.find(end);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + end.size());
  }
  if (!text.starts_with('<')) return {};
  text.remove_prefix(1);
  return text.substr(0, text.find_first_of(" \t\r\n/>"));
}

char json_bracket(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  const char c = first == std::string_view::npos ? '\0' : text[first];
  return c == '{' || c == '[' ? c : '\0';
}

AnnotationSet read_annotations(const std::string& path, const SlideFrame* frame) {
  std::vector<std::string> notes;
  io::TextStream text(path, &notes);
  return collect(text, {}, notes, frame);
}

AnnotationSet parse_annotations(std::string_view text, const std::string& path,
                                const std::string& format, const SlideFrame* frame) {
  std::vector<std::string> notes;
  io::TextStream stream = io::TextStream::of_text(std::string(text), path);
  return collect(stream, format, notes, frame);
}

std::vector<std::string> write_annotations(const AnnotationSet& set, const std::string& format,
                                           const std::string& path) {
  std::vector<std::string> notes;
  const auto writer = annotation_format(format).write(path, {.frame = nullptr, .notes = &notes});
  for (const Polygon& polygon : set.polygons) {
    Shape shape;
    shape.kind = ShapeKind::kAreas;
    shape.name = polygon.name;
    shape.group = polygon.group;
    shape.areas.push_back({polygon.ring, polygon.holes});
    writer->take(std::move(shape));
  }
  for (const std::string& group : set.groups) writer->declare({group, std::nullopt});
  writer->finish();
  return notes;
}

}  // namespace lamella::annotation
