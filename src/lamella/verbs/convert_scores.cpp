// SPDX-License-Identifier: Apache-2.0
// Scores as QuPath, WSInfer's readers and OME-TIFF viewers open them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "lamella/annotation/convert_shapes.h"
#include "lamella/annotation/repair.h"
#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/io/text_stream.h"
#include "lamella/patch/outline_check.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/check_plan.h"
#include "lamella/verbs/convert_kinds_internal.h"

namespace lamella::verbs {

namespace {

using annotation::Shape;
using annotation::ShapeKind;

constexpr size_t kMaxPlainTiles = 100'000;  // more are written as gzip

std::vector<PointF> ring_of(const RectF& box) {
  // WSInfer's order of corners.
  const double right = box.x + box.width, bottom = box.y + box.height;
  return {{right, box.y}, {right, bottom}, {box.x, bottom}, {box.x, box.y}};
}

SizePx size_of(const ConvertJob& job, const heatmap::ScoredPatches& scores) {
  if (job.slide) return job.slide->info().size_px();
  SizePx size{1, 1};
  for (size_t i = 0; i < scores.x_px.size(); ++i) {
    size.width = std::max<int64_t>(size.width, std::llround(scores.x_px[i] + scores.width_px));
    size.height = std::max<int64_t>(size.height, std::llround(scores.y_px[i] + scores.height_px));
  }
  return size;
}

void write_tiles(const heatmap::ScoredPatches& scores, annotation::ShapeWriter& writer) {
  const ClassTable& classes = scores.scores.classes;
  for (const std::string& name : classes.names) writer.declare({name, std::nullopt});
  for (size_t i = 0; i < scores.x_px.size(); ++i) {
    const auto row = scores.scores.row(static_cast<int64_t>(i));
    const auto likely = static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
    Shape tile;
    tile.kind = ShapeKind::kAreas;
    tile.object_type = "tile";
    tile.locked = true;
    tile.group = classes.name(likely);
    tile.areas.push_back(
        {ring_of({scores.x_px[i], scores.y_px[i], scores.width_px, scores.height_px}), {}});
    for (int k = 0; k < classes.count(); ++k) {
      // The shortest decimal that the float stands for, as the CSV has it.
      const double score = *parse_double(format_float(row[static_cast<size_t>(k)]));
      tile.measurements.emplace_back("prob_" + classes.name(k), score);
    }
    writer.take(std::move(tile));
  }
}

struct Region {
  std::vector<RectF> boxes;  // level-0 px, a row's neighbours together
  PointF peak;               // centre of its highest cell
  double highest = 0, sum = 0;
  int64_t cells = 0;
};

// Cells of at least the threshold that touch by an edge.
std::vector<Region> regions_of(const heatmap::HeatMap& map, double threshold) {
  std::vector<uint8_t> open(map.values.size());
  for (size_t i = 0; i < open.size(); ++i) open[i] = map.values[i] >= threshold;  // false for NaN
  std::vector<Region> regions;
  std::vector<int64_t> waiting;
  for (int64_t start = 0; start < map.rows * map.columns; ++start) {
    if (!open[static_cast<size_t>(start)]) continue;
    Region region;
    waiting.assign(1, start);
    open[static_cast<size_t>(start)] = 0;
    while (!waiting.empty()) {
      const int64_t cell = waiting.back(), row = cell / map.columns, column = cell % map.columns;
      waiting.pop_back();
      const RectF box{map.origin_x_px + static_cast<double>(column) * map.cell_x_px,
                      map.origin_y_px + static_cast<double>(row) * map.cell_y_px, map.cell_x_px,
                      map.cell_y_px};
      const double score = map.values[static_cast<size_t>(cell)];
      if (region.cells++ == 0 || score > region.highest) {
        region.highest = score;
        region.peak = {box.x + box.width / 2, box.y + box.height / 2};
      }
      region.sum += score;
      region.boxes.push_back(box);
      const auto visit = [&](bool inside, int64_t next) {
        if (!inside || !open[static_cast<size_t>(next)]) return;
        open[static_cast<size_t>(next)] = 0;
        waiting.push_back(next);
      };
      visit(column > 0, cell - 1);
      visit(column + 1 < map.columns, cell + 1);
      visit(row > 0, cell - map.columns);
      visit(row + 1 < map.rows, cell + map.columns);
    }
    regions.push_back(std::move(region));
  }
  return regions;
}

size_t write_regions(const ConvertJob& job, const heatmap::HeatMap& map,
                     annotation::ShapeWriter& writer) {
  annotation::AreaRepair repair(job.in);
  const std::vector<Region> regions = regions_of(map, job.options.threshold);
  for (size_t i = 0; i < regions.size(); ++i) {
    const Region& region = regions[i];
    Shape shape;
    shape.name = fmt::format("{} {}", map.shown, i + 1);
    shape.group = map.shown;
    shape.measurements = {
        {"prob_" + map.shown + " max", region.highest},
        {"prob_" + map.shown + " mean", region.sum / static_cast<double>(region.cells)},
        {"patches", static_cast<double>(region.cells)}};
    if (job.options.scores_as == "detections") {
      shape.kind = ShapeKind::kPoints;
      shape.object_type = "detection";
      shape.points.push_back(region.peak);
    } else {
      shape.kind = ShapeKind::kAreas;
      shape.areas = repair.unite(region.boxes);
    }
    writer.take(std::move(shape));
  }
  return regions.size();
}

void write_ome_heatmap(const heatmap::HeatMap& map, const ConvertJob& job,
                       const std::string& slide_id) {
  imagefile::TiffOptions options;
  options.pyramid = false;
  if (job.slide && job.slide->info().mpp) {
    const Mpp mpp = *job.slide->info().mpp;
    options.mpp = Mpp{mpp.x * map.cell_x_px, mpp.y * map.cell_y_px};
  }
  // The picture begins at the slide's origin: cells before the map's are not looked at.
  const auto before = [](double origin, double cell) {
    return static_cast<int64_t>(std::floor((origin + 0.5) / cell));
  };
  const int64_t left = std::max<int64_t>(0, before(map.origin_x_px, map.cell_x_px));
  const int64_t top = std::max<int64_t>(0, before(map.origin_y_px, map.cell_y_px));
  const SizePx size{left + map.columns, top + map.rows};
  std::vector<float> values(static_cast<size_t>(size.width * size.height), std::nanf(""));
  for (int64_t row = 0; row < map.rows; ++row) {
    std::copy_n(map.values.begin() + row * map.columns, map.columns,
                values.begin() + (top + row) * size.width + left);
  }
  options.description = ome_xml({.name = slide_id,
                                 .type = "float",
                                 .size_px = size,
                                 .channel_name = "prob_" + map.shown,
                                 .mpp = options.mpp});
  imagefile::write_float_tiff(job.out, size, values, options);
}

// WSInfer's folders: model-outputs-csv and model-outputs-geojson, a file a slide in each.
void write_wsinfer(const ConvertJob& job, const heatmap::ScoredPatches& scores,
                   const std::string& slide_id, io::Notes notes) {
  const std::filesystem::path folder(job.out);
  const std::string csv = (folder / "model-outputs-csv" / (slide_id + ".csv")).string();
  io::make_folders(io::parent_folder(csv));
  io::replace_file(csv, [&](const std::string& place) { io::copy_file(job.in, place, csv); });
  const auto writer = annotation::annotation_format("geojson").write(
      (folder / "model-outputs-geojson" / (slide_id + ".geojson")).string(), {.notes = notes});
  write_tiles(scores, *writer);
  writer->finish();
}

}  // namespace

bool is_scores(const std::string& path) {
  io::TextStream text(path);
  const std::string_view head = text.head();
  const std::string_view first = head.substr(0, head.find_first_of("\r\n"));
  return first.find("minx") != std::string_view::npos &&
         first.find("prob_") != std::string_view::npos;
}

Converted convert_scores(const ConvertJob& job, const Context& context) {
  Converted converted{job.in, job.out, "scores", {}, {}, {}};
  const heatmap::ScoredPatches scores = storage::read_scores(job.in, &converted.warnings);
  if (job.slide) require_same_slide(scores.slide, job.slide->info(), job.in);
  const std::string slide_id =
      scores.slide.slide_id.empty() ? io::stem(job.in) : scores.slide.slide_id;
  context.report("convert " + job.in, 0, 1, "files");
  const std::string name = to_lower(job.out), &to = job.options.to;
  converted.counts = {{"patches", static_cast<double>(scores.x_px.size())}};
  if (to == "wsinfer") {
    write_wsinfer(job, scores, slide_id, &converted.warnings);
    converted.to = "WSInfer's folder";
    return converted;
  }
  const bool ome = to == "ome-tiff" || name.ends_with(".tif") || name.ends_with(".tiff");
  const bool tiles = job.options.scores_as == "tiles";
  if (ome || !tiles) {
    const heatmap::HeatMap map =
        heatmap::make_heatmap(scores, size_of(job, scores), job.options.shown_class);
    if (ome) {
      write_ome_heatmap(map, job, slide_id);
      converted.to = "OME-TIFF";
      return converted;
    }
    const annotation::AnnotationFormat& format = annotation::target_format(to, job.out);
    annotation::SlideFrame frame;
    if (job.slide) frame = patch::frame_of(job.slide->info());
    const auto writer = format.write(
        job.out, {.frame = job.slide ? &frame : nullptr, .notes = &converted.warnings});
    const size_t regions = write_regions(job, map, *writer);
    writer->finish();
    converted.to = format.title;
    converted.counts.emplace_back(job.options.scores_as, static_cast<double>(regions));
    return converted;
  }
  const annotation::AnnotationFormat& format = annotation::target_format(to, job.out);
  if (format.name == "geojson" && scores.x_px.size() > kMaxPlainTiles && !name.ends_with(".gz")) {
    converted.out += ".gz";
    converted.warnings.push_back(
        fmt::format("more than {} tiles: written as gzip, {}", kMaxPlainTiles, converted.out));
  }
  const auto writer = format.write(converted.out, {.notes = &converted.warnings});
  write_tiles(scores, *writer);
  writer->finish();
  converted.to = format.title;
  return converted;
}

}  // namespace lamella::verbs
