// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "lamella/evaluation/class_metric_rows.h"

namespace lamella::cli {

namespace {

// Characters as a terminal shows them: UTF-8 continuation bytes take no place.
size_t shown_width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, false);
  for (size_t r = 1; r < rows_.size(); ++r) {
    for (size_t c = 0; c < columns; ++c) {
      const std::string& cell = rows_[r][c];
      widths[c] = std::max(widths[c], shown_width(cell));
      if (!cell.empty() && std::isdigit(static_cast<unsigned char>(cell[0]))) numeric[c] = true;
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      if (widths[c] == 0) continue;
      const size_t width = std::max(widths[c], shown_width(rows_.front()[c]));
      const std::string pad(width - shown_width(row[c]), ' ');
      line += (line.empty() ? "" : "  ") + (numeric[c] ? pad + row[c] : row[c] + pad);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

nlohmann::json counts_json(const ClassTable& classes, const std::vector<int64_t>& rows) {
  nlohmann::json object = nlohmann::json::object();
  for (size_t k = 0; k < classes.names.size(); ++k) object[classes.names[k]] = rows[k];
  return object;
}

std::string counts_text(const ClassTable& classes, const std::vector<int64_t>& rows) {
  std::string text;
  for (size_t k = classes.names.size(); k-- > 0;) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rows[k], classes.names[k]);
  }
  return text;
}

namespace {

// Rows are the classes of the patches, columns those that are most likely.
std::string confusion_text(const std::string& name, const evaluation::ClassMetrics& metrics) {
  std::vector<std::string> heading = {name + ": is, and is called"};
  for (const std::string& called : metrics.classes.names) heading.push_back(called);
  Table table(heading);
  for (size_t k = 0; k < metrics.confusion.size(); ++k) {
    std::vector<std::string> row = {metrics.classes.names[k]};
    for (const int64_t count : metrics.confusion[k]) row.push_back(std::to_string(count));
    table.add(row);
  }
  return table.text();
}

}  // namespace

namespace {

// "all: 95 % intervals by 24 patients, of other patients"
std::string intervals_text(const std::string& name, const evaluation::Intervals& intervals) {
  if (intervals.note.empty()) return "";
  if (intervals.unit.empty()) return fmt::format("{}: {}\n", name, intervals.note);
  return fmt::format("{}: 95 % intervals by {} {}, {}\n", name, intervals.units, intervals.unit,
                     intervals.note);
}

}  // namespace

std::string metrics_text(const std::map<std::string, evaluation::ClassMetrics>& metrics) {
  std::vector<std::string> header = evaluation::metric_titles();
  header.insert(header.begin(), "");
  Table table(header);
  std::string after;
  for (const auto& [name, m] : metrics) {
    for (auto& row : evaluation::table_rows(name, m)) table.add(std::move(row));
    if (!m.per_class.empty()) after += intervals_text(name, m.last().intervals);
    if (m.classes.count() <= 2) continue;
    after += fmt::format("\n{}: {}\n", name, evaluation::summary_text(m));
    if (m.n > 0) after += confusion_text(name, m);
  }
  return table.text() + after;
}

}  // namespace lamella::cli
