// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/slides_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/csv.h"
#include "lamella/io/files.h"

namespace lamella::study {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kTrain:
      return "train";
    case Role::kTest:
      return "test";
    case Role::kScore:
      return "score";
  }
  return "score";
}

namespace {

const std::vector<std::string> kColumns = {"slide_id", "path",        "patient_id",
                                           "role",     "annotations", "mpp"};

// Column name -> position.
std::map<std::string, size_t> read_header(const std::string& path, const io::CsvRow& header) {
  std::map<std::string, size_t> columns;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    const std::string name = to_lower(trim(header.fields[i]));
    if (std::find(kColumns.begin(), kColumns.end(), name) == kColumns.end()) {
      io::throw_csv_error(
          path, header, i,
          "one of the columns " + join(kColumns, ", ") + did_you_mean(name, kColumns));
    }
    if (!columns.emplace(name, i).second) {
      io::throw_csv_error(path, header, i, "each column once");
    }
  }
  for (const char* needed : {"slide_id", "path", "role"}) {
    if (!columns.contains(needed)) {
      throw Error(ErrorCode::kFormat,
                  fmt::format("line {}: the column '{}' is missing; expected a header like "
                              "slide_id,path,patient_id,role,annotations,mpp",
                              header.line, needed),
                  path);
    }
  }
  return columns;
}

class RowReader {
 public:
  RowReader(const std::string& path, const std::map<std::string, size_t>& columns,
            const io::CsvRow& row)
      : path_(path), columns_(columns), row_(row) {}

  SlideEntry entry() const {
    SlideEntry entry;
    entry.line = row_.line;
    entry.slide_id = needed("slide_id", "a slide id");
    if (entry.slide_id.find('/') != std::string::npos || entry.slide_id.starts_with('.')) {
      fail("slide_id", "a slide id that can be a file name (no '/', no leading '.')");
    }
    const std::string folder = io::parent_folder(path_);
    entry.path = io::resolve(folder, needed("path", "the slide's path"));
    entry.role = role();
    entry.patient_id = get("patient_id");
    if (entry.patient_id.empty()) {
      if (entry.role != Role::kScore) {
        fail("patient_id",
             "the patient's id: slides of one patient must not part between train "
             "and test");
      }
      entry.patient_id = entry.slide_id;
    }
    entry.annotations = get("annotations");
    if (!entry.annotations.empty()) entry.annotations = io::resolve(folder, entry.annotations);
    if (const std::string text = get("mpp"); !text.empty()) {
      entry.mpp = parse_double(text);
      if (!entry.mpp || !(*entry.mpp > 0)) fail("mpp", "µm per pixel at level 0, e.g. 0.25");
    }
    return entry;
  }

 private:
  std::string get(const std::string& column) const {
    const auto at = columns_.find(column);
    return at == columns_.end() || at->second >= row_.fields.size() ? "" : row_.fields[at->second];
  }

  std::string needed(const std::string& column, const std::string& expected) const {
    std::string value = get(column);
    if (value.empty()) fail(column, expected);
    return value;
  }

  Role role() const {
    const std::string text = to_lower(needed("role", "train, test or score"));
    for (const Role candidate : {Role::kTrain, Role::kTest, Role::kScore}) {
      if (text == to_string(candidate)) return candidate;
    }
    fail("role", "train, test or score" + did_you_mean(text, {"train", "test", "score"}));
  }

  [[noreturn]] void fail(const std::string& column, const std::string& expected) const {
    const auto at = columns_.find(column);
    if (at == columns_.end()) {
      throw Error(ErrorCode::kFormat,
                  fmt::format("line {}: the table has no column '{}'; expected {}", row_.line,
                              column, expected),
                  path_);
    }
    io::throw_csv_error(path_, row_, at->second, expected);
  }

  const std::string& path_;
  const std::map<std::string, size_t>& columns_;
  const io::CsvRow& row_;
};

void check_ids(const std::vector<SlideEntry>& entries, const std::string& path) {
  std::map<std::string, const SlideEntry*> ids;
  std::map<std::string, const SlideEntry*> patients;
  for (const SlideEntry& entry : entries) {
    // Lists match slide ids without regard to case, so two that differ by case alone are one.
    const auto [other, fresh] = ids.emplace(to_lower(entry.slide_id), &entry);
    if (!fresh) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("slide '{}' stands in line {} and again in line {}; expected each "
                              "slide once",
                              entry.slide_id, other->second->line, entry.line),
                  path);
    }
    if (entry.role == Role::kScore) continue;
    const auto [seen, first] = patients.emplace(to_lower(entry.patient_id), &entry);
    if (!first && seen->second->role != entry.role) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("patient '{}' is in both train and test: slide '{}' (line {}, {}) and slide "
                      "'{}' (line {}, {}); give all slides of a patient the same role",
                      entry.patient_id, seen->second->slide_id, seen->second->line,
                      to_string(seen->second->role), entry.slide_id, entry.line,
                      to_string(entry.role)),
          path);
    }
  }
}

}  // namespace

std::vector<SlideEntry> read_slides_table(const std::string& path) {
  const std::vector<io::CsvRow> rows = io::read_csv(path);
  if (rows.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                "the table names no slides; expected a header and a line per slide", path);
  }
  const std::map<std::string, size_t> columns = read_header(path, rows.front());
  std::vector<SlideEntry> entries;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].fields.size() != rows.front().fields.size()) {
      throw Error(ErrorCode::kFormat,
                  fmt::format("line {}: found {} fields, expected {} as in the header",
                              rows[i].line, rows[i].fields.size(), rows.front().fields.size()),
                  path);
    }
    entries.push_back(RowReader(path, columns, rows[i]).entry());
  }
  check_ids(entries, path);
  return entries;
}

}  // namespace lamella::study
