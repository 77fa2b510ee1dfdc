// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/base/text.h"
#include "lamella/io/table.h"

namespace lamella::annotation {

namespace {

// Where slide, x and y stand, whatever else a row holds.
struct Layout {
  std::array<size_t, 3> at = {0, 1, 2};
  bool header = false;
  bool others = false;  // rows may be longer
};

constexpr std::array<std::string_view, 7> kSlide = {"slide", "slide_id",   "slideid", "slide_name",
                                                    "name",  "image_name", "image"};
constexpr std::array<std::string_view, 8> kX = {"x",        "x_px",     "x_centre", "x_center",
                                                "centre_x", "center_x", "xcenter",  "cx"};
constexpr std::array<std::string_view, 8> kY = {"y",        "y_px",     "y_centre", "y_center",
                                                "centre_y", "center_y", "ycenter",  "cy"};

template <size_t n>
std::optional<size_t> find_column(const io::CsvRow& row,
                                  const std::array<std::string_view, n>& names) {
  for (size_t i = 0; i < row.fields.size(); ++i) {
    const std::string name = to_lower(trim(row.fields[i]));
    if (std::find(names.begin(), names.end(), name) != names.end()) return i;
  }
  return {};
}

// Words with an x and a y after another: a header, but not of corners.
bool names_a_centre(const io::CsvRow& row) {
  const auto holds = [&](size_t field, std::string_view word) {
    return to_lower(row.fields[field]).find(word) != std::string::npos;
  };
  if (row.fields.size() != 3 || !holds(1, "x") || !holds(2, "y")) return false;
  for (const size_t field : {size_t{1}, size_t{2}}) {
    if (io::csv_number(row, field)) return false;
    for (const char* corner : {"min", "max", "left", "right", "top", "bottom", "corner"}) {
      if (holds(field, corner)) return false;
    }
  }
  return true;
}

Layout find_layout(const io::CsvRow& first) {
  const auto slide = find_column(first, kSlide), x = find_column(first, kX),
             y = find_column(first, kY);
  if (slide && x && y) return {{*slide, *x, *y}, true, true};
  return {.header = names_a_centre(first)};
}

double coordinate(const std::string& path, const io::CsvRow& row, size_t field, bool is_x) {
  const std::optional<double> value = io::csv_number(row, field);
  if (!value || !is_coordinate(*value)) {
    io::throw_csv_error(path, row, field,
                        is_x ? "the centre's x in level-0 px" : "the centre's y in level-0 px");
  }
  return *value;
}

void note_others(const io::CsvRow& header, const Layout& layout, io::Notes notes) {
  std::vector<std::string> names;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    const bool used = std::find(layout.at.begin(), layout.at.end(), i) != layout.at.end();
    if (!used && !header.fields[i].empty()) names.push_back(header.fields[i]);
  }
  if (notes && !names.empty()) {
    notes->push_back("columns that mean nothing here are left out: " + join(names, ", "));
  }
}

}  // namespace

std::vector<Centre> read_ncrf_centres(const std::string& path, io::Notes notes) {
  std::vector<Centre> centres;
  const std::vector<io::CsvRow> rows = io::read_csv(path, notes);
  if (rows.empty()) return centres;
  const Layout layout = find_layout(rows.front());
  const size_t fields = layout.others ? rows.front().fields.size() : 3;
  if (layout.header) note_others(rows.front(), layout, notes);
  for (size_t i = layout.header ? 1 : 0; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (row.fields.size() < fields) {
      io::throw_csv_error(path, row, row.fields.size(),
                          layout.others ? "as many as in the header" : "three: slide,x,y");
    }
    for (size_t field = fields; field < row.fields.size(); ++field) {
      if (row.fields[field].empty()) continue;  // as spreadsheets leave them
      io::throw_csv_error(path, row, field,
                          layout.others ? "the end of the line, as in the header"
                                        : "the end of the line after slide,x,y");
    }
    const auto [slide, x, y] = layout.at;
    if (row.fields[slide].empty()) io::throw_csv_error(path, row, slide, "a slide id");
    centres.push_back({row.fields[slide], coordinate(path, row, x, true),
                       coordinate(path, row, y, false), row.line});
  }
  return centres;
}

std::vector<Centre> centres_of(const std::vector<Centre>& centres, const std::string& slide_id) {
  const std::string wanted = to_lower(slide_id);
  std::vector<Centre> found;
  for (const Centre& centre : centres) {
    if (to_lower(centre.slide_id) == wanted) found.push_back(centre);
  }
  return found;
}

}  // namespace lamella::annotation
