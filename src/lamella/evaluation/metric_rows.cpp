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

bool has_column(const MetricRow& row) { return row.shown == Shown::kColumn; }

nlohmann::json json_of(const Interval& interval) { return {interval.low, interval.high}; }

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
    } else if (row.shown == Shown::kInterval && metric_value(metrics, row)) {
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
  if (!metrics.intervals.note.empty()) json["intervals"] = metrics.intervals;
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
  if (json.contains("intervals")) metrics.intervals = json.at("intervals").get<Intervals>();
}

void to_json(nlohmann::json& json, const Intervals& intervals) {
  json = {{"unit", intervals.unit},
          {"units", intervals.units},
          {"note", intervals.note},
          {"of", nlohmann::json::object()}};
  for (const auto& [name, interval] : intervals.of) json["of"][name] = json_of(interval);
}

void from_json(const nlohmann::json& json, Intervals& intervals) {
  intervals = {json.at("unit").get<std::string>(),
               json_whole<int64_t>(json.at("units")),
               json.at("note").get<std::string>(),
               {}};
  for (const auto& [name, ends] : json.at("of").items()) {
    intervals.of[name] = {ends.at(0).get<double>(), ends.at(1).get<double>()};
  }
}

nlohmann::ordered_json intervals_schema() {
  const nlohmann::ordered_json ends = {
      {"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 2}, {"maxItems", 2}};
  return {{"type", "object"},
          {"description", "95 % intervals of figures"},
          {"additionalProperties", false},
          {"properties",
           {{"unit", {{"type", "string"}, {"description", "what was resampled; empty: nothing"}}},
            {"units", {{"type", "integer"}, {"minimum", 0}}},
            {"note", {{"type", "string"}, {"description", "what they speak of, or why not"}}},
            {"of", {{"type", "object"}, {"additionalProperties", ends}}}}},
          {"required", {"unit", "units", "note", "of"}}};
}

nlohmann::ordered_json metrics_schema() {
  nlohmann::ordered_json schema = {{"type", "object"}, {"additionalProperties", false}};
  for (const MetricRow& row : kMetricRows) {
    if (std::holds_alternative<Count>(row.member)) {
      schema["properties"][row.name] = {{"type", "integer"}, {"minimum", 0}};
    } else {
      schema["properties"][row.name] = {{"type", {"number", "null"}}};
    }
    schema["properties"][row.name]["description"] = row.title;
    schema["required"].push_back(row.name);
  }
  schema["properties"]["intervals"] = intervals_schema();
  return schema;
}

}  // namespace lamella::evaluation
