// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/metric_rows.h"

#include <fmt/format.h>

#include "lamella/base/json_text.h"

namespace lamella::evaluation {

namespace {

using Count = int64_t Metrics::*;
using Figure = std::optional<double> Metrics::*;

std::string cell(const Metrics& metrics, const MetricRow& row) {
  if (const auto* count = std::get_if<Count>(&row.member)) return std::to_string(metrics.**count);
  const std::optional<double>& figure = metrics.*std::get<Figure>(row.member);
  return figure ? fmt::format("{:.4f}", *figure) : "n/a";
}

bool has_column(const MetricRow& row) { return row.title[0] != 0; }

}  // namespace

std::optional<double> metric_value(const Metrics& metrics, const MetricRow& row) {
  if (const auto* count = std::get_if<Count>(&row.member)) {
    return static_cast<double>(metrics.**count);
  }
  return metrics.*std::get<Figure>(row.member);
}

std::vector<std::string> metric_titles() {
  std::vector<std::string> titles;
  for (const MetricRow& row : kMetricRows) {
    if (has_column(row)) titles.emplace_back(row.title);
  }
  return titles;
}

std::vector<std::string> metric_cells(const Metrics& metrics) {
  std::vector<std::string> cells;
  for (const MetricRow& row : kMetricRows) {
    if (has_column(row)) {
      cells.push_back(cell(metrics, row));
    } else if (metric_value(metrics, row)) {
      cells.back() += "-" + cell(metrics, row);
    }
  }
  return cells;
}

void to_json(nlohmann::json& json, const Metrics& metrics) {
  json = nlohmann::json::object();
  for (const MetricRow& row : kMetricRows) {
    if (const auto* count = std::get_if<Count>(&row.member)) {
      json[row.name] = metrics.**count;
    } else {
      json[row.name] = json_or_null(metrics.*std::get<Figure>(row.member));
    }
  }
}

void from_json(const nlohmann::json& json, Metrics& metrics) {
  for (const MetricRow& row : kMetricRows) {
    const auto found = json.find(row.name);
    if (found == json.end() || found->is_null()) continue;
    if (const auto* count = std::get_if<Count>(&row.member)) {
      metrics.** count = json_whole<int64_t>(*found);
    } else {
      metrics.*std::get<Figure>(row.member) = found->get<double>();
    }
  }
}

nlohmann::ordered_json metrics_schema() {
  nlohmann::ordered_json schema = {{"type", "object"}, {"additionalProperties", false}};
  for (const MetricRow& row : kMetricRows) {
    if (std::holds_alternative<Count>(row.member)) {
      schema["properties"][row.name] = {{"type", "integer"}, {"minimum", 0}};
    } else {
      schema["properties"][row.name] = {{"type", {"number", "null"}}};
    }
    schema["properties"][row.name]["description"] = has_column(row) ? row.title : row.name;
    schema["required"].push_back(row.name);
  }
  return schema;
}

}  // namespace lamella::evaluation
