// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::io {

namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr size_t kMaxShown = 60;

// What of a line's fields stands outside quotes decides; of equally many the comma is the last
// choice, for it may be a decimal one.
char find_separator(std::string_view text) {
  size_t best = 0;
  char found = ',';
  for (const char candidate : {'\t', ';', ','}) {
    size_t count = 0;
    bool quoted = false, begun = false;
    for (const char c : text) {
      if (c == '"') quoted = !quoted;
      if ((c == '\n' || c == '\r') && !quoted && begun) break;
      begun = begun || (c != '\n' && c != '\r');
      count += c == candidate && !quoted;
    }
    if (count > best) {
      best = count;
      found = candidate;
    }
  }
  return found;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {
    if (text_.starts_with(kMark)) text_.remove_prefix(kMark.size());
    separator_ = find_separator(text_);
    // Excel's own way to name the separator.
    if (text_.starts_with("sep=") && text_.size() > 5 && (text_[5] == '\r' || text_[5] == '\n')) {
      separator_ = text_[4];
      at_ = 5;
      end_line();
    }
  }

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row = next_row();
      const bool empty = std::all_of(row.fields.begin(), row.fields.end(),
                                     [](const std::string& field) { return trim(field).empty(); });
      if (!empty) rows.push_back(std::move(row));
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
    row.separator = separator_;
    for (;;) {
      row.columns.push_back(column());
      row.fields.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (at_ >= text_.size() || text_[at_] != separator_) break;
      ++at_;
    }
    end_line();
    return row;
  }

  std::string plain() {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) ++at_;
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
    if (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) {
      fail(fmt::format("found '{}' after a quoted field, expected '{}' or the end of the line",
                       text_[at_], separator_));
    }
    return value;
  }

  std::string_view text_;
  const std::string& path_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  char separator_ = ',';
};

// "1,234" and "12,345,678": one to three digits, not beginning with a zero, then groups of three.
bool may_be_thousands(std::string_view text) {
  const size_t first = text.find(',');
  if (first == 0 || first > 3 || text.front() == '0') return false;
  for (size_t at = first; at < text.size(); at += 4) {
    if (text[at] != ',' || at + 4 > text.size()) return false;
  }
  return true;
}

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& path) {
  require_utf8(text, path);
  return Parser(text, path).rows();
}

std::vector<CsvRow> read_csv(const std::string& path, Notes notes) {
  std::vector<CsvRow> rows = parse_csv(read_decoded_text(path, int64_t{1} << 30, notes), path);
  const char separator = rows.empty() ? ',' : rows.front().separator;
  if (notes && separator != ',') {
    notes->push_back(separator == ';'    ? "fields are separated by semicolons, and were read so"
                     : separator == '\t' ? "fields are separated by tabs, and were read so"
                                         : fmt::format("fields are separated by '{}'", separator));
  }
  return rows;
}

std::optional<double> csv_number(const CsvRow& row, size_t field) {
  std::string text(trim(row.fields.at(field)));
  if (row.separator != ',' && std::count(text.begin(), text.end(), ',') == 1 &&
      text.find('.') == std::string::npos) {
    const std::string_view digits =
        std::string_view(text).substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    if (may_be_thousands(digits)) return {};
    text[text.find(',')] = '.';
  }
  const std::optional<double> value = parse_double(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

void throw_csv_error(const std::string& path, const CsvRow& row, size_t field,
                     const std::string& expected) {
  const bool there = field < row.fields.size();
  std::string found = there ? row.fields[field] : "";
  if (found.size() > kMaxShown) found = found.substr(0, kMaxShown) + "…";
  throw Error(ErrorCode::kFormat,
              there ? fmt::format("line {}, column {}: found '{}', expected {}", row.line,
                                  row.columns[field], found, expected)
                    : fmt::format("line {}: found {} fields, expected {}", row.line,
                                  row.fields.size(), expected),
              path);
}

}  // namespace lamella::io
