// SPDX-License-Identifier: Apache-2.0
// Figures of merit of probabilities against labels. Includes nothing of the classifier.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace lamella::evaluation {

// 95 %.
struct Interval {
  double low = 0, high = 0;
  bool operator==(const Interval&) const = default;
};

// Intervals of figures for what the rows were drawn from, see add_intervals.
struct Intervals {
  std::string unit;   // that was resampled: "patients", "slides", "blocks of 1.20 mm"; "": none
  int64_t units = 0;  // that have rows
  std::string note;   // what they speak of, or why there is none
  std::map<std::string, Interval>
      of;  // by the figure's name; those that cannot be given are not in
};

// A value that needs both classes is nullopt when there is only one; every value is nullopt when
// there are no rows.
struct Metrics {
  int64_t n = 0;
  int64_t n_positive = 0;
  std::optional<double> auc;                // Mann-Whitney, ties count half
  std::optional<double> auc_low, auc_high;  // 95 %, by patients, slides or blocks
  // 95 %, DeLong on the logit scale: as if patches were independent, which they are not.
  std::optional<double> auc_independent_low, auc_independent_high;
  // 95 %, clustered AUC of Obuchowski, logit scale, by the same units as auc_low.
  std::optional<double> auc_obuchowski_low, auc_obuchowski_high;
  std::optional<double> average_precision;  // step-wise: sum (R_k - R_k-1) P_k over thresholds
  // At the best threshold at which the other is at least 0.95; thresholds are scores.
  std::optional<double> sensitivity_at_95_specificity, specificity_at_95_sensitivity;
  std::optional<double> accuracy;           // at 0.5: score >= 0.5 is positive
  std::optional<double> balanced_accuracy;  // at 0.5
  // At the thresholds that are best for them on held-out rows of the training slides.
  std::optional<double> threshold_accuracy, accuracy_at_threshold, threshold_f1, f1_at_threshold;
  std::optional<double> brier;     // mean squared error of the probability
  std::optional<double> log_loss;  // mean of -log p, of the class against the rest, see kLeastLogP
  // Of the logistic regression of the label on logit p: 1 and 0 are right. nullopt where the
  // score parts the classes wholly, and the slope has no bound.
  std::optional<double> calibration_slope, calibration_intercept;
  std::optional<double> calibration_in_the_large;  // the intercept at slope 1
  std::optional<double> ece;                       // 15 equal-width bins on [0, 1]
  std::optional<double> ece_floor;  // expected of so many independent rows if they were calibrated
  Intervals intervals;
};

enum class Shown { kColumn, kInterval, kNot };  // kInterval: in the column before it, "low-high"

// One row per figure: its JSON, tables, model cards and what MLflow gets are made from these rows.
struct MetricRow {
  const char* name;   // key in JSON; at MLflow after the name of the set
  const char* title;  // of its column, or what it is
  std::variant<int64_t Metrics::*, std::optional<double> Metrics::*> member;
  Shown shown = Shown::kColumn;
};

inline constexpr std::array kMetricRows = {
    MetricRow{"n", "patches", &Metrics::n},
    MetricRow{"n_positive", "of the class", &Metrics::n_positive},
    MetricRow{"auc", "AUC", &Metrics::auc},
    MetricRow{"auc_low", "95 % interval", &Metrics::auc_low},
    MetricRow{"auc_high", "its upper end", &Metrics::auc_high, Shown::kInterval},
    MetricRow{"auc_independent_low", "as if patches were independent",
              &Metrics::auc_independent_low},
    MetricRow{"auc_independent_high", "its upper end", &Metrics::auc_independent_high,
              Shown::kInterval},
    MetricRow{"auc_obuchowski_low", "by Obuchowski", &Metrics::auc_obuchowski_low, Shown::kNot},
    MetricRow{"auc_obuchowski_high", "its upper end", &Metrics::auc_obuchowski_high, Shown::kNot},
    MetricRow{"average_precision", "avg. precision", &Metrics::average_precision},
    MetricRow{"sensitivity_at_95_specificity", "sensitivity at 95 % specificity",
              &Metrics::sensitivity_at_95_specificity, Shown::kNot},
    MetricRow{"specificity_at_95_sensitivity", "specificity at 95 % sensitivity",
              &Metrics::specificity_at_95_sensitivity, Shown::kNot},
    MetricRow{"accuracy", "accuracy", &Metrics::accuracy},
    MetricRow{"balanced_accuracy", "balanced", &Metrics::balanced_accuracy},
    MetricRow{"threshold_accuracy", "threshold, by accuracy on training folds",
              &Metrics::threshold_accuracy, Shown::kNot},
    MetricRow{"accuracy_at_threshold", "accuracy at it", &Metrics::accuracy_at_threshold,
              Shown::kNot},
    MetricRow{"threshold_f1", "threshold, by F1 on training folds", &Metrics::threshold_f1,
              Shown::kNot},
    MetricRow{"f1_at_threshold", "F1 at it", &Metrics::f1_at_threshold, Shown::kNot},
    MetricRow{"brier", "Brier", &Metrics::brier},
    MetricRow{"class_log_loss", "log loss, class against rest", &Metrics::log_loss, Shown::kNot},
    MetricRow{"calibration_slope", "slope", &Metrics::calibration_slope},
    MetricRow{"calibration_intercept", "calibration intercept", &Metrics::calibration_intercept,
              Shown::kNot},
    MetricRow{"calibration_in_the_large", "calibration in the large",
              &Metrics::calibration_in_the_large, Shown::kNot},
    MetricRow{"ece", "ECE", &Metrics::ece},
    MetricRow{"ece_floor", "ECE expected if calibrated", &Metrics::ece_floor, Shown::kNot}};

// A probability of 0 counts as this in logarithms: what float32 can tell from 0 beside 1.
inline constexpr double kLeastLogP = 1.1920928955078125e-7;

// Scores at or above them are called positive.
struct Thresholds {
  std::optional<double> accuracy, f1;
  bool operator==(const Thresholds&) const = default;
};
// The thresholds, among the scores, that are best for each (the highest of equal ones): for rows
// that were held out. None where a class is missing.
Thresholds choose_thresholds(std::span<const float> scores, std::span<const int8_t> labels);

// scores n in [0, 1], labels n of 0/1. Error kInvalidArgument: sizes differ, a score that is NaN
// or outside [0, 1], a label that is neither (which row).
Metrics evaluate(std::span<const float> scores, std::span<const int8_t> labels,
                 const Thresholds& thresholds = {});

}  // namespace lamella::evaluation
