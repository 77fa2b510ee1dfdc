// SPDX-License-Identifier: Apache-2.0
// Figures of merit of probabilities against labels. Includes nothing of the classifier.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace lamella::evaluation {

// A value that needs both classes is nullopt when there is only one; every value is nullopt when
// there are no rows.
struct Metrics {
  int64_t n = 0;
  int64_t n_positive = 0;
  std::optional<double> auc;                // Mann-Whitney, ties count half
  std::optional<double> auc_low, auc_high;  // 95 %, DeLong, clipped to [0, 1]
  std::optional<double> average_precision;  // step-wise: sum (R_k - R_k-1) P_k over thresholds
  std::optional<double> accuracy;           // at 0.5: score >= 0.5 is positive
  std::optional<double> balanced_accuracy;  // at 0.5
  std::optional<double> brier;              // mean squared error of the probability
  std::optional<double> ece;                // 15 equal-width bins on [0, 1]
};

// One row per figure: its JSON, tables, model cards and what MLflow gets are made from these rows.
struct MetricRow {
  const char* name;   // key in JSON; at MLflow after the name of the set
  const char* title;  // of its column; "": shown in the column before it, as "low-high"
  std::variant<int64_t Metrics::*, std::optional<double> Metrics::*> member;
};

inline constexpr std::array kMetricRows = {
    MetricRow{"n", "patches", &Metrics::n},
    MetricRow{"n_positive", "of the class", &Metrics::n_positive},
    MetricRow{"auc", "AUC", &Metrics::auc},
    MetricRow{"auc_low", "95 % interval", &Metrics::auc_low},
    MetricRow{"auc_high", "", &Metrics::auc_high},
    MetricRow{"average_precision", "avg. precision", &Metrics::average_precision},
    MetricRow{"accuracy", "accuracy", &Metrics::accuracy},
    MetricRow{"balanced_accuracy", "balanced", &Metrics::balanced_accuracy},
    MetricRow{"brier", "Brier", &Metrics::brier},
    MetricRow{"ece", "ECE", &Metrics::ece}};

// scores n in [0, 1], labels n of 0/1. Error kInvalidArgument: sizes differ, a score that is NaN
// or outside [0, 1], a label that is neither (which row).
Metrics evaluate(std::span<const float> scores, std::span<const int8_t> labels);

}  // namespace lamella::evaluation
