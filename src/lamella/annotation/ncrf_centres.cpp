// SPDX-License-Identifier: Apache-2.0

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coordinates_internal.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"

namespace lamella::annotation {

namespace {

bool is_header(const io::CsvRow& row) {
  if (row.fields.size() != 3) return false;
  const std::string x = to_lower(row.fields[1]), y = to_lower(row.fields[2]);
  return !parse_double(x) && !parse_double(y) && x.find('x') != std::string::npos &&
         y.find('y') != std::string::npos;
}

double coordinate(const std::string& path, const io::CsvRow& row, size_t field) {
  const std::optional<double> value = parse_double(row.fields[field]);
  if (!value || !is_coordinate(*value)) {
    io::throw_csv_error(
        path, row, field,
        field == 1 ? "the centre's x in level-0 px" : "the centre's y in level-0 px");
  }
  return *value;
}

}  // namespace

std::vector<Centre> read_ncrf_centres(const std::string& path) {
  std::vector<Centre> centres;
  const std::vector<io::CsvRow> rows = io::read_csv(path);
  for (size_t i = 0; i < rows.size(); ++i) {
    const io::CsvRow& row = rows[i];
    if (i == 0 && is_header(row)) continue;
    if (row.fields.size() < 3) {
      io::throw_csv_error(path, row, row.fields.size(), "three: slide,x,y");
    }
    if (row.fields.size() > 3) {
      io::throw_csv_error(path, row, 3, "the end of the line after slide,x,y");
    }
    if (row.fields[0].empty()) io::throw_csv_error(path, row, 0, "a slide id");
    centres.push_back(
        {row.fields[0], coordinate(path, row, 1), coordinate(path, row, 2), row.line});
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
