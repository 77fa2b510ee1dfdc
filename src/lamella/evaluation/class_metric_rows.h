// SPDX-License-Identifier: Apache-2.0
// Figures of classes as JSON, as rows of tables and as curves.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lamella/evaluation/class_metrics.h"
#include "lamella/evaluation/intervals.h"
#include "lamella/evaluation/metric_rows.h"

namespace lamella::evaluation {

// Of two classes the figures of the last one; of more "n", "macro_auc" and "accuracy". Of all
// "log_loss", "confusion" ([class of the row][most likely class]) and "classes", the figures of
// each against the rest with its "name", in order.
void to_json(nlohmann::json& json, const ClassMetrics& metrics);
// Figures without "classes", as records had them before classes had names, are those of one class
// that bears no name. Throws nlohmann::json::exception where a value is no figure.
void from_json(const nlohmann::json& json, ClassMetrics& metrics);
nlohmann::ordered_json class_metrics_schema();

// {"unit": "patients", "units": 24, "note": ..., "of": {"auc": {"value": 0.1, "interval": [0,
// 0.2]}}}
void to_json(nlohmann::json& json, const Differences& differences);

// Rows under metric_titles(), the name first: one of two classes, one for each of more.
std::vector<std::vector<std::string>> table_rows(const std::string& name,
                                                 const ClassMetrics& metrics);
// "macro AUC 0.9312, accuracy 0.8500, log loss 0.4100"
std::string summary_text(const ClassMetrics& metrics);
// Figures that are known, by name: "auc", …, of more than two classes "macro_auc" and
// "<class>_auc".
std::vector<std::pair<std::string, double>> figures_of(const ClassMetrics& metrics);

}  // namespace lamella::evaluation
