// SPDX-License-Identifier: Apache-2.0
// Figures as JSON and as text, by the rows of kMetricRows.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/evaluation/metrics.h"

namespace lamella::evaluation {

// nullopt: not known for these rows.
std::optional<double> metric_value(const Metrics& metrics, const MetricRow& row);

// Columns of a table, and what stands in them: "n/a" where a figure is not known.
std::vector<std::string> metric_titles();
std::vector<std::string> metric_cells(const Metrics& metrics);

// {"n": 30, "auc": 0.93, ...}, null where a figure is not known; "intervals" where they were asked
// for.
void to_json(nlohmann::json& json, const Metrics& metrics);
// A figure that is not there is not known. Throws nlohmann::json::exception where a value is no
// figure.
void from_json(const nlohmann::json& json, Metrics& metrics);

// {"unit": "patients", "units": 24, "note": "of other patients", "of": {"auc": [0.90, 0.95]}}
void to_json(nlohmann::json& json, const Intervals& intervals);
void from_json(const nlohmann::json& json, Intervals& intervals);
nlohmann::ordered_json intervals_schema();

// JSON Schema of it.
nlohmann::ordered_json metrics_schema();

}  // namespace lamella::evaluation
