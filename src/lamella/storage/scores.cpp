// SPDX-License-Identifier: Apache-2.0
// Scores: WSInfer's CSV.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

namespace {

const std::vector<std::string> kPlace = {"minx", "miny", "width", "height"};
constexpr std::string_view kPrefix = "prob_";
constexpr int64_t kMaxIdentityBytes = int64_t{64} << 20;
constexpr const char* kOther = "other";  // than the only class of a table

std::vector<std::string> header_of(const ClassTable& classes) {
  std::vector<std::string> header = kPlace;
  for (const std::string& name : classes.names) header.push_back(std::string(kPrefix) + name);
  return header;
}

// Where what is read stands; other columns are left out.
struct Columns {
  std::array<size_t, 4> place = {};  // as kPlace
  std::vector<size_t> scores;
  ClassTable classes;
  bool sized = true;  // there are width and height
};

enum class Layout { kOurs, kAny };

Columns find_columns(const std::vector<io::CsvRow>& rows, const std::string& path, Layout layout,
                     io::Notes notes) {
  const std::vector<std::string> found =
      rows.empty() ? std::vector<std::string>{} : rows.front().fields;
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::kFormat,
                fmt::format("line 1: found '{:.200}', expected the header {},prob_<Class>,… with a "
                            "column for each class{}",
                            join(found, ","), join(kPlace, ","), why),
                path);
  };
  Columns columns;
  std::vector<std::string> others;
  std::array<int, 4> times = {};
  for (size_t i = 0; i < found.size(); ++i) {
    const std::string name(trim(found[i]));
    const auto place = std::find(kPlace.begin(), kPlace.end(), name);
    if (place != kPlace.end()) {
      const auto at = static_cast<size_t>(place - kPlace.begin());
      columns.place[at] = i;
      ++times[at];
    } else if (name.starts_with(kPrefix)) {
      columns.scores.push_back(i);
      columns.classes.names.push_back(name.substr(kPrefix.size()));
    } else if (!name.empty()) {
      others.push_back(name);
    }
  }
  if (layout == Layout::kAny && times == std::array<int, 4>{1, 1, 0, 0}) {
    columns.sized = false;
  } else if (times != std::array<int, 4>{1, 1, 1, 1}) {
    fail("");
  }
  if (layout == Layout::kAny && columns.classes.names.size() == 1) {
    columns.classes.names.insert(columns.classes.names.begin(), kOther);
  }
  try {
    columns.classes.validate();
  } catch (const Error& error) {
    fail(" (" + error.message() + ")");
  }
  if (notes && !others.empty()) {
    notes->push_back("columns that mean nothing here are left out: " + join(others, ", "));
  }
  return columns;
}

// The number of one field; `what` says what was expected.
double number(const std::string& path, const io::CsvRow& row, size_t field, const char* what) {
  const auto value = io::csv_number(row, field);
  if (!value) io::throw_csv_error(path, row, field, what);
  return *value;
}

std::string identity_path(const std::string& path) { return path + ".json"; }

void write_identity(const patch::PatchPlan& plan, const std::string& path) {
  nlohmann::ordered_json about = {
      {"slide_id", plan.slide_id},
      {"slide_path", plan.slide_path},
      {"slide_fingerprint", plan.slide_fingerprint},
      {"slide_size_px", {plan.geometry.slide_size_px.width, plan.geometry.slide_size_px.height}}};
  for (const patch::LeftOut& each : plan.left_out) {
    about["left_out"].push_back({each.at.x_px, each.at.y_px});
  }
  io::write_file_atomic(identity_path(path),
                        about.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// A file of another program has none.
void read_identity(const std::string& path, heatmap::ScoredPatches& patches) {
  heatmap::ScoredSlide& slide = patches.slide;
  if (!io::exists(identity_path(path))) return;
  try {
    const nlohmann::json about =
        parse_json(io::read_text_file(identity_path(path), kMaxIdentityBytes));
    slide.slide_id = about.at("slide_id").get<std::string>();
    slide.path = about.at("slide_path").get<std::string>();
    slide.fingerprint = about.at("slide_fingerprint").get<std::string>();
    if (!about.contains("left_out")) return;
    for (const nlohmann::json& each : about.at("left_out")) {
      patches.left_out.push_back(
          {json_whole<int64_t>(each.at(0)), json_whole<int64_t>(each.at(1))});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("does not say whose scores lie beside it ({}); score the slide again, "
                            "or remove it",
                            error.what()),
                identity_path(path));
  }
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
  std::remove(identity_path(path).c_str());
  io::write_file_atomic(path, text);
  write_identity(plan, path);
  if (!key.empty()) write_key(key, path);
}

namespace {

// Width and height of a row; all rows have one.
void read_size(const std::string& path, const io::CsvRow& row, const Columns& columns, bool first,
               heatmap::ScoredPatches& patches) {
  const auto [at_x, at_y, at_width, at_height] = columns.place;
  const double width = number(path, row, at_width, "level-0 px");
  const double height = number(path, row, at_height, "level-0 px");
  if (!(width > 0)) io::throw_csv_error(path, row, at_width, "a width above 0");
  if (!(height > 0)) io::throw_csv_error(path, row, at_height, "a height above 0");
  if (first) {
    patches.width_px = width;
    patches.height_px = height;
  }
  if (width != patches.width_px) {
    io::throw_csv_error(path, row, at_width, "one width for all patches");
  }
  if (height != patches.height_px) {
    io::throw_csv_error(path, row, at_height, "one height for all patches");
  }
}

heatmap::ScoredPatches read_layout(const std::string& path, Layout layout, io::Notes notes) {
  const std::vector<io::CsvRow> rows = io::read_csv(path, notes);
  const Columns columns = find_columns(rows, path, layout, notes);
  heatmap::ScoredPatches patches;
  read_identity(path, patches);
  patches.scores.classes = columns.classes;
  const size_t fields = rows.front().fields.size();
  for (size_t i = 1; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() != fields) {
      io::throw_csv_error(path, row, row.fields.size(),
                          fmt::format("{} as in the header", fields).c_str());
    }
    patches.x_px.push_back(number(path, row, columns.place[0], "level-0 px"));
    patches.y_px.push_back(number(path, row, columns.place[1], "level-0 px"));
    if (columns.sized) read_size(path, row, columns, i == 1, patches);
    for (const size_t field : columns.scores) {
      const double score = number(path, row, field, "a probability 0-1");
      if (score < 0 || score > 1) io::throw_csv_error(path, row, field, "a probability 0-1");
      const auto value = static_cast<float>(score);
      if (columns.scores.size() == 1) patches.scores.values.push_back(1 - value);
      patches.scores.values.push_back(value);
    }
  }
  return patches;
}

}  // namespace

heatmap::ScoredPatches read_scores(const std::string& path, io::Notes notes) {
  return read_layout(path, Layout::kOurs, notes);
}

heatmap::ScoredPatches read_any_scores(const std::string& path, io::Notes notes) {
  return read_layout(path, Layout::kAny, notes);
}

}  // namespace lamella::storage
