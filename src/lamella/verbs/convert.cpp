// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>

#include "lamella/annotation/convert_shapes.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/patch/outline_check.h"
#include "lamella/slide/slide.h"
#include "lamella/verbs/convert_kinds_internal.h"

namespace lamella::verbs {

namespace {

std::string format_names() {
  std::vector<std::string> names;
  for (const auto& format : annotation::annotation_formats()) names.emplace_back(format.name);
  return join(names, ", ");
}

// What begins as a TIFF does, or goes into one and is no text of ours.
bool is_slide(const std::string& path, const std::string& out, const ConvertOptions& options) {
  std::array<std::byte, 4> magic{};
  const auto source = io::open_file(path);
  if (source->size() >= 4) source->read_at(0, magic);
  const std::string_view begins(reinterpret_cast<const char*>(magic.data()), magic.size());
  constexpr std::array<std::string_view, 4> kTiff = {
      std::string_view("II*\0", 4), std::string_view("MM\0*", 4), std::string_view("II+\0", 4),
      std::string_view("MM\0+", 4)};
  if (std::find(kTiff.begin(), kTiff.end(), begins) != kTiff.end()) return true;
  const std::string name = to_lower(out);
  const bool tiff = options.to == "ome-tiff" || name.ends_with(".tif") || name.ends_with(".tiff");
  return tiff && !is_scores(path);
}

// "a.geojson.gz" -> "a"
std::string bare_name(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return io::stem(name);
}

}  // namespace

Converted convert_annotations(const ConvertJob& job, const Context& context) {
  annotation::SlideFrame frame;
  if (job.slide) frame = patch::frame_of(job.slide->info());
  annotation::ConvertedShapes shapes = annotation::convert_shapes(
      job.in, job.out, {job.options.from, job.options.to, job.options.crossing == "refuse"},
      job.slide ? &frame : nullptr, context);
  Converted converted{job.in, job.out, shapes.from, shapes.to, {}, std::move(shapes.notes)};
  converted.counts = {{"annotations", static_cast<double>(shapes.annotations)},
                      {"outlines", static_cast<double>(shapes.outlines)},
                      {"holes", static_cast<double>(shapes.holes)},
                      {"lines", static_cast<double>(shapes.lines)},
                      {"points", static_cast<double>(shapes.points)},
                      {"area_px", shapes.area_px}};
  return converted;
}

const OptionTable<ConvertOptions>& ConvertOptions::table() {
  static const auto kTable =
      OptionTable<ConvertOptions>()
          .row("from", &ConvertOptions::from,
               {.help = "format of the input: " + format_names(),
                .otherwise = "told by its content"})
          .row("to", &ConvertOptions::to,
               {.help = "format of the output: the same ones; of scores also wsinfer and ome-tiff, "
                        "of slides ome-tiff",
                .otherwise = "told by its name"})
          .row("crossing", &ConvertOptions::crossing,
               {.help = "what is done with rings that cross themselves",
                .choices = {"repair", "refuse"}})
          .row("scores_as", &ConvertOptions::scores_as,
               {.help = "what scores become in a format of annotations: a tile each; outlines of "
                        "what reaches the threshold; a point for each of these",
                .choices = {"tiles", "outlines", "detections"}})
          .row("threshold", &ConvertOptions::threshold,
               {.help = "least score inside of outlines", .least = 0, .most = 1})
          .row("class", &ConvertOptions::shown_class,
               {.help = "class of outlines, detections and heat-maps",
                .otherwise = "the last class"})
          .row("keep_pictures", &ConvertOptions::keep_pictures,
               {.help = "keep a slide's label, macro and thumbnail"})
          .row("jpeg_quality", &ConvertOptions::jpeg_quality,
               {.help = "of levels that are encoded anew", .least = 1, .most = 100});
  return kTable;
}

Converted convert(const std::string& in, const std::string& out, const std::string& slide,
                  const slide::OpenOptions& open, const ConvertOptions& options,
                  const Context& context) {
  ConvertOptions::table().check(options);
  ConvertJob job{in, out, slide.empty() ? nullptr : slide::open_slide(slide, open), options};
  if (is_slide(in, out, options)) {
    if (!job.slide) job.slide = slide::open_slide(in, open);
    return convert_slide(job, context);
  }
  return is_scores(in) ? convert_scores(job, context) : convert_annotations(job, context);
}

std::vector<std::string> outputs_of(const std::vector<std::string>& inputs, const std::string& out,
                                    const ConvertOptions& options) {
  if (options.to == "wsinfer") return std::vector<std::string>(inputs.size(), out);
  const bool folder = std::filesystem::is_directory(out) || out.ends_with('/');
  if (inputs.size() > 1 && !folder) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("found {} inputs for one file; expected a folder as the last word ('{}/' "
                    "makes one)",
                    inputs.size(), out),
        out);
  }
  if (!folder) return {out};
  const std::string extension(options.to == "ome-tiff"
                                  ? ".ome.tiff"
                                  : annotation::target_format(options.to, out).extension);
  std::vector<std::string> outputs;
  std::map<std::string, std::string> known;
  for (const std::string& in : inputs) {
    const std::string path = io::resolve(out, bare_name(in) + extension);
    const auto [other, added] = known.try_emplace(path, in);
    if (!added) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{} and {} would both become this file; convert them one by one",
                              other->second, in),
                  path);
    }
    outputs.push_back(path);
  }
  return outputs;
}

}  // namespace lamella::verbs
