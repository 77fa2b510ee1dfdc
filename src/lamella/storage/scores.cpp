// SPDX-License-Identifier: Apache-2.0
// Scores: WSInfer's CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

const std::vector<std::string> kPlace = {"minx", "miny", "width", "height"};
constexpr std::string_view kPrefix = "prob_";

std::vector<std::string> header_of(const ClassTable& classes) {
  std::vector<std::string> header = kPlace;
  for (const std::string& name : classes.names) header.push_back(std::string(kPrefix) + name);
  return header;
}

// The classes that the header names.
ClassTable classes_of(const std::vector<io::CsvRow>& rows, const std::string& path) {
  const std::vector<std::string> found =
      rows.empty() ? std::vector<std::string>{} : rows.front().fields;
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::kFormat,
                fmt::format("line 1: found '{}', expected the header {},prob_<Class>,… with a "
                            "column for each class{}",
                            join(found, ","), join(kPlace, ","), why),
                path);
  };
  if (found.size() < kPlace.size() || !std::equal(kPlace.begin(), kPlace.end(), found.begin())) {
    fail("");
  }
  ClassTable classes;
  for (size_t i = kPlace.size(); i < found.size(); ++i) {
    if (!found[i].starts_with(kPrefix)) fail("");
    classes.names.push_back(found[i].substr(kPrefix.size()));
  }
  try {
    classes.validate();
  } catch (const Error& error) {
    fail(" (" + error.message() + ")");
  }
  return classes;
}

// The number of one field; `what` says what was expected.
double number(const std::string& path, const io::CsvRow& row, size_t field, const char* what) {
  const auto value = parse_double(row.fields[field]);
  if (!value || !std::isfinite(*value)) io::throw_csv_error(path, row, field, what);
  return *value;
}

}  // namespace

void write_scores(const patch::PatchPlan& plan, const feature::ScoreMatrix& scores,
                  const std::string& key, const std::string& path) {
  scores.classes.validate();
  const size_t classes = scores.classes.names.size();
  if (scores.values.size() != plan.rows.size() * classes) {
    throw Error(ErrorCode::kInternal,
                fmt::format("{} scores of {} classes for {} planned rows", scores.values.size(),
                            classes, plan.rows.size()),
                path);
  }
  std::string text = join(header_of(scores.classes), ",") + "\n";
  const std::string size =
      format_double(plan.geometry.extent_x_px) + "," + format_double(plan.geometry.extent_y_px);
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    text += fmt::format("{},{},{}", plan.rows[i].x_px, plan.rows[i].y_px, size);
    for (const float score : scores.row(static_cast<int64_t>(i))) {
      text += "," + format_float(score);
    }
    text += "\n";
  }
  drop_key(path);
  io::write_file_atomic(path, text);
  if (!key.empty()) write_key(key, path);
}

heatmap::ScoredPatches read_scores(const std::string& path) {
  const std::vector<io::CsvRow> rows = io::read_csv(path);
  heatmap::ScoredPatches patches;
  patches.scores.classes = classes_of(rows, path);
  const size_t fields = rows.front().fields.size();
  for (size_t i = 1; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() != fields) {
      io::throw_csv_error(path, row, row.fields.size(),
                          fmt::format("{} as in the header", fields).c_str());
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
    for (size_t field = kPlace.size(); field < fields; ++field) {
      const double score = number(path, row, field, "a probability 0-1");
      if (score < 0 || score > 1) io::throw_csv_error(path, row, field, "a probability 0-1");
      patches.scores.values.push_back(static_cast<float>(score));
    }
  }
  return patches;
}

}  // namespace lamella::storage
