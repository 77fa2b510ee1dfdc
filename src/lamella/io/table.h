// SPDX-License-Identifier: Apache-2.0
// A table with a header, its columns found by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lamella/io/csv.h"

namespace lamella::io {

struct TableColumn {
  std::string name;  // in lower case
  bool needed = false;
};

// Columns may stand in any order, and others among them: those are left out and noted, unless a
// known column is missing of which the name may be a slip.
class Table {
 public:
  // `rows` begins with the header. Error kFormat: a needed column is missing, one stands twice, a
  // name that may be a slip, a row with too few fields, or with text beyond the header's.
  Table(std::string path, std::vector<CsvRow> rows, const std::vector<TableColumn>& known,
        Notes notes = nullptr);

  const std::string& path() const { return path_; }
  bool has(const std::string& column) const { return columns_.contains(column); }
  const std::vector<std::string>& names() const { return rows_.front().fields; }  // as they stand
  size_t size() const { return rows_.size() - 1; }  // rows below the header
  int line(size_t row) const { return rows_[row + 1].line; }

  // "" where the table has no such column.
  std::string text(size_t row, const std::string& column) const;
  // Error kFormat if there is no text.
  std::string needed(size_t row, const std::string& column, const std::string& expected) const;
  // nullopt where there is no text. Error kFormat if it is no finite number.
  std::optional<double> number(size_t row, const std::string& column,
                               const std::string& expected) const;
  // Error kFormat with file, line, column, what was found and what was expected.
  [[noreturn]] void fail(size_t row, const std::string& column, const std::string& expected) const;

 private:
  std::string path_;
  std::vector<CsvRow> rows_;
  std::map<std::string, size_t> columns_;
};

// Error kInvalidArgument if there is no row below the header; `what` completes "names no ...".
Table read_table(const std::string& path, const std::vector<TableColumn>& known,
                 const std::string& what, Notes notes = nullptr);

}  // namespace lamella::io
