// SPDX-License-Identifier: Apache-2.0
// Figures of merit of n x c probabilities against labels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lamella/evaluation/metrics.h"
#include "lamella/feature/feature.h"

namespace lamella::evaluation {

struct ClassMetrics {
  ClassTable classes;
  int64_t n = 0;
  std::vector<Metrics> per_class;   // each class against the rest, by its own column
  std::optional<double> macro_auc;  // mean over the classes (of two: the last one's); nullopt
                                    // unless each has one
  std::optional<double> accuracy;   // the most likely class is the row's (the first of equal ones)
  // Mean of -log p(the row's class); p at least 1.2e-7, what float32 can tell from 0 beside 1.
  std::optional<double> log_loss;
  std::vector<std::vector<int64_t>> confusion;  // [class of the row][most likely class], rows
  Intervals intervals;  // of more than two classes: of macro_auc, accuracy and log_loss

  // The figures that stand for all: of the last class.
  const Metrics& last() const { return per_class.back(); }
};

// labels: n, indices into the classes. Error kInvalidArgument: no classes, sizes that differ, a
// score that is NaN or outside [0, 1], a label that the classes lack (which row).
// thresholds: of each class, or none.
ClassMetrics evaluate_classes(const feature::ScoreMatrix& scores, std::span<const int8_t> labels,
                              std::span<const Thresholds> thresholds = {});

}  // namespace lamella::evaluation
