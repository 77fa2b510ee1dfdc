// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "lamella/annotation/formats_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/text_file.h"

namespace lamella::annotation {

namespace {

bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

bool is_geojson(std::string_view text) {
  const char bracket = json_bracket(text);
  if (bracket == '[') return true;
  return bracket == '{' && (holds(text, "\"FeatureCollection\"") || holds(text, "\"geometry\"") ||
                            holds(text, "\"coordinates\""));
}

bool is_ncrf(std::string_view text) {
  return json_bracket(text) == '{' && (holds(text, "\"positive\"") || holds(text, "\"negative\"") ||
                                       holds(text, "\"vertices\""));
}

// The order counts: the first that takes a text reads it.
constexpr std::array<AnnotationFormat, 3> kFormats = {{
    {"ASAP XML", [](std::string_view text) { return xml_root(text) == "ASAP_Annotations"; },
     parse_asap_xml},
    {"GeoJSON of QuPath", is_geojson, parse_geojson},
    {"NCRF JSON", is_ncrf, parse_ncrf_json},
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

}  // namespace

std::span<const AnnotationFormat> annotation_formats() { return kFormats; }

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
      end = ">";
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

AnnotationSet read_annotations(const std::string& path) {
  std::vector<std::string> notes;
  const std::string text = io::read_decoded_text(path, int64_t{1} << 30, &notes);
  for (const AnnotationFormat& format : annotation_formats()) {
    if (!format.detect(text)) continue;
    AnnotationSet set = format.read(text, path);
    for (const std::string& note : notes) set.notes.push_back(path + ": " + note);
    return set;
  }
  std::vector<std::string> names;
  for (const AnnotationFormat& format : annotation_formats()) names.emplace_back(format.name);
  throw Error(ErrorCode::kFormat,
              fmt::format("found {}, expected annotations as one of: {}", beginning(text),
                          join(names, ", ")),
              path);
}

}  // namespace lamella::annotation
