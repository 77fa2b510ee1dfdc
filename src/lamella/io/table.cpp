// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::io {

namespace {

std::string header_like(const std::vector<TableColumn>& known) {
  std::string text;
  for (const TableColumn& column : known) {
    const std::string comma = text.empty() ? "" : ",";
    text += column.needed ? comma + column.name : "[" + comma + column.name + "]";
  }
  return text;
}

void require_fields(const std::string& path, const CsvRow& row, size_t expected) {
  if (row.fields.size() < expected) {
    throw Error(ErrorCode::kFormat,
                fmt::format("line {}: found {} fields, expected {} as in the header", row.line,
                            row.fields.size(), expected),
                path);
  }
  for (size_t i = expected; i < row.fields.size(); ++i) {
    if (trim(row.fields[i]).empty()) continue;
    throw_csv_error(path, row, i,
                    fmt::format("no more than {} fields as in the header; a text that holds '{}' "
                                "is put in quotes",
                                expected, row.separator));
  }
}

}  // namespace

Table::Table(std::string path, std::vector<CsvRow> rows, const std::vector<TableColumn>& known,
             Notes notes)
    : path_(std::move(path)), rows_(std::move(rows)) {
  const CsvRow& header = rows_.front();
  std::vector<size_t> others;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    const std::string name = to_lower(trim(header.fields[i]));
    if (name.empty()) continue;
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const TableColumn& one) { return one.name == name; });
    if (!is_known) {
      others.push_back(i);
    } else if (!columns_.emplace(name, i).second) {
      throw_csv_error(path_, header, i, "each column once");
    }
  }
  std::vector<std::string> absent;
  for (const TableColumn& column : known) {
    if (!columns_.contains(column.name)) absent.push_back(column.name);
  }
  std::vector<std::string> left_out;
  for (const size_t i : others) {
    const std::string name = to_lower(trim(header.fields[i]));
    if (const std::string slip = did_you_mean(name, absent); !slip.empty()) {
      throw_csv_error(path_, header, i, "one of the columns " + header_like(known) + slip);
    }
    left_out.push_back(std::string(trim(header.fields[i])));
  }
  for (const TableColumn& column : known) {
    if (!column.needed || columns_.contains(column.name)) continue;
    throw Error(ErrorCode::kFormat,
                fmt::format("line {}: the column '{}' is missing; expected a header like {}",
                            header.line, column.name, header_like(known)),
                path_);
  }
  if (notes && !left_out.empty()) {
    notes->push_back("columns that mean nothing here are left out: " + join(left_out, ", "));
  }
  for (const CsvRow& row : rows_) require_fields(path_, row, header.fields.size());
}

std::string Table::text(size_t row, const std::string& column) const {
  const auto at = columns_.find(column);
  return at == columns_.end() ? "" : std::string(trim(rows_[row + 1].fields[at->second]));
}

std::string Table::needed(size_t row, const std::string& column,
                          const std::string& expected) const {
  std::string value = text(row, column);
  if (value.empty()) fail(row, column, expected);
  return value;
}

std::optional<double> Table::number(size_t row, const std::string& column,
                                    const std::string& expected) const {
  if (text(row, column).empty()) return {};
  const std::optional<double> value = csv_number(rows_[row + 1], columns_.at(column));
  if (!value) fail(row, column, expected);
  return value;
}

void Table::fail(size_t row, const std::string& column, const std::string& expected) const {
  const auto at = columns_.find(column);
  if (at == columns_.end()) {
    throw Error(ErrorCode::kFormat,
                fmt::format("line {}: the table has no column '{}'; expected {}", line(row), column,
                            expected),
                path_);
  }
  throw_csv_error(path_, rows_[row + 1], at->second, expected);
}

Table read_table(const std::string& path, const std::vector<TableColumn>& known,
                 const std::string& what, Notes notes) {
  std::vector<CsvRow> rows = read_csv(path, notes);
  if (rows.size() < 2) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the table names no {0}; expected the header {1} and a line for each",
                            what, header_like(known)),
                path);
  }
  return Table(path, std::move(rows), known, notes);
}

}  // namespace lamella::io
