// SPDX-License-Identifier: Apache-2.0
// Figures of merit of probabilities against labels. Includes nothing of the classifier.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

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

// scores n in [0, 1], labels n of 0/1. Error kInvalidArgument: sizes differ, a score that is NaN
// or outside [0, 1], a label that is neither (which row).
Metrics evaluate(std::span<const float> scores, std::span<const int8_t> labels);

}  // namespace lamella::evaluation
