// SPDX-License-Identifier: Apache-2.0
// Scores: WSInfer's CSV.
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

const std::vector<std::string> kHeader = {"minx",   "miny",        "width",
                                          "height", "prob_normal", "prob_tumor"};

// The number of one field; `what` says what was expected.
double number(const std::string& path, const io::CsvRow& row, size_t field, const char* what) {
  const auto value = parse_double(row.fields[field]);
  if (!value || !std::isfinite(*value)) io::throw_csv_error(path, row, field, what);
  return *value;
}

}  // namespace

void write_scores(const patch::PatchPlan& plan, const feature::ScoreVector& scores,
                  const std::string& key, const std::string& path) {
  if (scores.values.size() != plan.rows.size()) {
    throw Error(
        ErrorCode::kInternal,
        fmt::format("{} scores for {} planned rows", scores.values.size(), plan.rows.size()), path);
  }
  std::string text = join(kHeader, ",") + "\n";
  const std::string size =
      format_double(plan.geometry.extent_x_px) + "," + format_double(plan.geometry.extent_y_px);
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    const float tumour = scores.values[i];
    text += fmt::format("{},{},{},{},{}\n", plan.rows[i].x_px, plan.rows[i].y_px, size,
                        format_float(1.0f - tumour), format_float(tumour));
  }
  drop_key(path);
  io::write_file_atomic(path, text);
  if (!key.empty()) write_key(key, path);
}

heatmap::ScoredPatches read_scores(const std::string& path) {
  const std::vector<io::CsvRow> rows = io::read_csv(path);
  if (rows.empty() || rows.front().fields != kHeader) {
    throw Error(ErrorCode::kFormat,
                fmt::format("line 1: found '{}', expected the header {}",
                            rows.empty() ? "" : join(rows.front().fields, ","), join(kHeader, ",")),
                path);
  }
  heatmap::ScoredPatches patches;
  for (size_t i = 1; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() != kHeader.size()) {
      io::throw_csv_error(path, row, row.fields.size(), "6 as in the header");
    }
    patches.x_px.push_back(number(path, row, 0, "level-0 px"));
    patches.y_px.push_back(number(path, row, 1, "level-0 px"));
    const double width = number(path, row, 2, "level-0 px");
    const double height = number(path, row, 3, "level-0 px");
    if (!(width > 0)) io::throw_csv_error(path, row, 2, "a width above 0");
    if (!(height > 0)) io::throw_csv_error(path, row, 3, "a height above 0");
    if (i == 1) {
      patches.width_px = width;
      patches.height_px = height;
    }
    if (width != patches.width_px) io::throw_csv_error(path, row, 2, "one width for all patches");
    if (height != patches.height_px) {
      io::throw_csv_error(path, row, 3, "one height for all patches");
    }
    const double score = number(path, row, 5, "a probability 0-1");
    if (score < 0 || score > 1) io::throw_csv_error(path, row, 5, "a probability 0-1");
    patches.scores.push_back(static_cast<float>(score));
  }
  return patches;
}

}  // namespace lamella::storage
