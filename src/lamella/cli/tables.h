// SPDX-License-Identifier: Apache-2.0
// Text tables for people.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/base/class_table.h"
#include "lamella/evaluation/class_metrics.h"

namespace lamella::cli {

// Columns aligned; numbers (cells that start with a digit) to the right. Empty columns are left
// out.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Rows of each class: {"fat": 12, "gland": 30}, "30 gland, 12 fat": the last one first.
nlohmann::json counts_json(const ClassTable& classes, const std::vector<int64_t>& rows);
std::string counts_text(const ClassTable& classes, const std::vector<int64_t>& rows);

// A row per named set: AUC with its interval, average precision, accuracy, …
std::string metrics_text(const std::map<std::string, evaluation::ClassMetrics>& metrics);

}  // namespace lamella::cli
