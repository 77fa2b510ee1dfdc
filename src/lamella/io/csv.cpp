// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/csv.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::io {

namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row = next_row();
      if (row.fields.size() > 1 || !trim(row.fields.front()).empty())
        rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool at_line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }

  int column() const { return static_cast<int>(at_ - line_start_) + 1; }

  [[noreturn]] void fail(const std::string& message) const {
    throw Error(ErrorCode::kFormat, fmt::format("line {}, column {}: {}", line_, column(), message),
                path_);
  }

  void end_line() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++line_;
    line_start_ = at_;
  }

  CsvRow next_row() {
    CsvRow row;
    row.line = line_;
    for (;;) {
      row.columns.push_back(column());
      row.fields.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (at_ >= text_.size() || text_[at_] != ',') break;
      ++at_;
    }
    end_line();
    return row;
  }

  std::string plain() {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && !at_line_end()) ++at_;
    return std::string(trim(text_.substr(start, at_ - start)));
  }

  std::string quoted() {
    const int start_line = line_, start_column = column();
    std::string value;
    for (++at_;; ++at_) {
      if (at_ >= text_.size()) {
        throw Error(ErrorCode::kFormat,
                    fmt::format("line {}, column {}: a quoted field starts here and is never "
                                "closed; expected a closing \"",
                                start_line, start_column),
                    path_);
      }
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      value += text_[at_];
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
    ++at_;
    if (at_ < text_.size() && text_[at_] != ',' && !at_line_end()) {
      fail(fmt::format("found '{}' after a quoted field, expected a comma or the end of the line",
                       text_[at_]));
    }
    return value;
  }

  std::string_view text_;
  const std::string& path_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& path) {
  return Parser(text, path).rows();
}

std::vector<CsvRow> read_csv(const std::string& path) {
  return parse_csv(read_text_file(path), path);
}

void throw_csv_error(const std::string& path, const CsvRow& row, size_t field,
                     const std::string& expected) {
  const bool there = field < row.fields.size();
  throw Error(ErrorCode::kFormat,
              there ? fmt::format("line {}, column {}: found '{}', expected {}", row.line,
                                  row.columns[field], row.fields[field], expected)
                    : fmt::format("line {}: found {} fields, expected {}", row.line,
                                  row.fields.size(), expected),
              path);
}

}  // namespace lamella::io
