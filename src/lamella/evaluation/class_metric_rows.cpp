// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/class_metric_rows.h"

#include <fmt/format.h>

#include "lamella/base/json_text.h"

namespace lamella::evaluation {

namespace {

using Json = nlohmann::json;

// Whether the figures of the last class stand for all.
bool is_flat(const ClassMetrics& metrics) { return metrics.per_class.size() <= 2; }

std::optional<double> number_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return {};
  return found->get<double>();
}

void add_rows(const Metrics& metrics, const std::string& prefix,
              std::vector<std::pair<std::string, double>>& figures) {
  for (const MetricRow& row : kMetricRows) {
    if (const auto value = metric_value(metrics, row))
      figures.emplace_back(prefix + row.name, *value);
  }
}

std::string text_of(const std::optional<double>& figure) {
  return figure ? fmt::format("{:.4f}", *figure) : "n/a";
}

}  // namespace

void to_json(Json& json, const ClassMetrics& metrics) {
  json = Json::object();
  if (is_flat(metrics)) {
    if (!metrics.per_class.empty()) json = metrics.last();
  } else {
    json["macro_auc"] = json_or_null(metrics.macro_auc);
    json["accuracy"] = json_or_null(metrics.accuracy);
  }
  if (!json.contains("n")) json["n"] = metrics.n;
  if (metrics.classes.empty()) return;
  json["log_loss"] = json_or_null(metrics.log_loss);
  json["confusion"] = metrics.confusion;
  if (!is_flat(metrics) && !metrics.intervals.note.empty()) json["intervals"] = metrics.intervals;
  json["classes"] = Json::array();
  for (size_t k = 0; k < metrics.per_class.size(); ++k) {
    Json one = metrics.per_class[k];
    one["name"] = metrics.classes.names.at(k);
    json["classes"].push_back(std::move(one));
  }
}

void from_json(const Json& json, ClassMetrics& metrics) {
  metrics = {};
  if (json.contains("n")) metrics.n = json_whole<int64_t>(json.at("n"));
  metrics.accuracy = number_at(json, "accuracy");
  metrics.log_loss = number_at(json, "log_loss");
  if (!json.contains("classes")) {
    metrics.per_class.push_back(json.get<Metrics>());
    return;
  }
  for (const Json& one : json.at("classes")) {
    metrics.classes.names.push_back(one.at("name").get<std::string>());
    metrics.per_class.push_back(one.get<Metrics>());
  }
  if (json.contains("confusion")) {
    metrics.confusion = json.at("confusion").get<std::vector<std::vector<int64_t>>>();
  }
  if (!is_flat(metrics) && json.contains("intervals")) {
    metrics.intervals = json.at("intervals").get<Intervals>();
  }
  if (metrics.per_class.empty()) return;
  // The figures that stand for all are the ones that people read.
  if (is_flat(metrics) && json.contains("auc")) metrics.per_class.back() = json.get<Metrics>();
  metrics.macro_auc = is_flat(metrics) ? metrics.last().auc : number_at(json, "macro_auc");
}

nlohmann::ordered_json class_metrics_schema() {
  const nlohmann::ordered_json figure = {{"type", {"number", "null"}}};
  nlohmann::ordered_json one = metrics_schema(), schema = metrics_schema();
  one["properties"]["name"] = {{"type", "string"}, {"description", "name of the class"}};
  one["required"].push_back("name");
  schema["required"] = {"n"};
  schema["properties"]["macro_auc"] = figure;
  schema["properties"]["macro_auc"]["description"] = "mean AUC of the classes, if more than two";
  schema["properties"]["log_loss"] = figure;
  schema["properties"]["log_loss"]["description"] = "mean of -log p(the row's class)";
  schema["properties"]["confusion"] = {
      {"type", "array"},
      {"items", {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}}}}},
      {"description", "rows: [class of the row][most likely class]"}};
  schema["properties"]["classes"] = {
      {"type", "array"}, {"items", one}, {"description", "each class against the rest"}};
  return schema;
}

std::vector<std::vector<std::string>> table_rows(const std::string& name,
                                                 const ClassMetrics& metrics) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& title, const Metrics& one) {
    rows.push_back(metric_cells(one));
    rows.back().insert(rows.back().begin(), title);
  };
  if (is_flat(metrics)) {
    if (!metrics.per_class.empty()) add(name, metrics.last());
    return rows;
  }
  for (size_t k = 0; k < metrics.per_class.size(); ++k) {
    add(name + " " + metrics.classes.names.at(k), metrics.per_class[k]);
  }
  return rows;
}

std::string summary_text(const ClassMetrics& metrics) {
  return fmt::format("macro AUC {}, accuracy {}, log loss {}", text_of(metrics.macro_auc),
                     text_of(metrics.accuracy), text_of(metrics.log_loss));
}

std::vector<std::pair<std::string, double>> figures_of(const ClassMetrics& metrics) {
  std::vector<std::pair<std::string, double>> figures;
  const auto add = [&](const char* name, const std::optional<double>& value) {
    if (value) figures.emplace_back(name, *value);
  };
  if (is_flat(metrics)) {
    if (!metrics.per_class.empty()) add_rows(metrics.last(), "", figures);
    add("log_loss", metrics.log_loss);
    return figures;
  }
  add("n", static_cast<double>(metrics.n));
  add("macro_auc", metrics.macro_auc);
  add("accuracy", metrics.accuracy);
  add("log_loss", metrics.log_loss);
  for (size_t k = 0; k < metrics.per_class.size(); ++k) {
    add_rows(metrics.per_class[k], metrics.classes.names.at(k) + "_", figures);
  }
  return figures;
}

void to_json(nlohmann::json& json, const Differences& differences) {
  json = {{"unit", differences.unit},
          {"units", differences.units},
          {"note", differences.note},
          {"of", nlohmann::json::object()}};
  for (const auto& [name, one] : differences.of) {
    json["of"][name] = {{"value", one.value}};
    if (one.interval) json["of"][name]["interval"] = {one.interval->low, one.interval->high};
  }
}

}  // namespace lamella::evaluation
