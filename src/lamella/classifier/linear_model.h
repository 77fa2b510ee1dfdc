// SPDX-License-Identifier: Apache-2.0
// Logistic regression on standardised features. Knows nothing of slides.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/feature/feature.h"

namespace lamella::classifier {

// probability = 1 / (1 + exp(-(slope * z + intercept))), z = weights . (x - mean) / scale + bias.
struct Calibration {
  double slope = 1;
  double intercept = 0;
};

struct LinearModel {
  std::vector<double> weights;  // d
  double bias = 0;
  std::vector<double> mean;   // d
  std::vector<double> scale;  // d, > 0
  Calibration calibration;
  std::string feature_space;
  double lambda = 0;  // the penalty used
};

struct TrainOptions {
  // Penalty; nullopt: chosen by cross-validation over `lambdas`.
  // Objective: mean log loss + lambda / 2 * |w|^2 on standardised features, bias free.
  std::optional<double> lambda;
  std::vector<double> lambdas = default_lambdas();
  int max_folds = 5;
  int max_iterations = 500;
  void validate() const;
  static const OptionTable<TrainOptions>& table();
  static std::vector<double> default_lambdas();  // 13 values 1e-4 ... 1e2, log-spaced
};

struct LambdaTrial {
  double lambda = 0;
  double mean_log_loss = 0;                // over all held-out rows of all folds
  std::vector<double> fold_log_loss = {};  // mean over the held-out rows of each fold
};

struct TrainResult {
  LinearModel model;
  std::vector<LambdaTrial> trials;  // empty without cross-validation
  int folds = 0;
  int64_t rows_positive = 0;
  int64_t rows_negative = 0;
};

// labels: n of 0/1. groups: n fold groups (rows of one group never part), see make_folds; may be
// empty if options.lambda is set. Single-threaded sums in row order; folds run in parallel: the
// same bits for any context.threads.
// Error kInvalidArgument: sizes differ, labels of one class only (says which and how many), no
// rows, a feature that is not finite (row, column).
TrainResult train_classifier(const feature::FeatureMatrix& features, std::span<const int8_t> labels,
                             std::span<const int32_t> groups, const TrainOptions& options,
                             const Context& context);

// Assigns groups to at most max_folds folds, larger groups first onto the smallest fold (ties:
// lower number), deterministic. Result: fold of each row.
std::vector<int32_t> make_folds(std::span<const int32_t> groups, int max_folds);

// Error kMismatch if the two feature_space differ: both are named.
feature::ScoreVector score_patches(const feature::FeatureMatrix& features,
                                   const LinearModel& model);

}  // namespace lamella::classifier
