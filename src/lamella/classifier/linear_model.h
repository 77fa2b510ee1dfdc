// SPDX-License-Identifier: Apache-2.0
// Logistic regression on standardised features. Knows nothing of slides.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/class_table.h"
#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/feature/feature.h"
#include "lamella/feature/feature_rows.h"

namespace lamella::classifier {

// Two classes: z' = slope * z + intercept. More: z'_k = slope * z_k; a common intercept would
// change nothing, and has to be 0.
struct Calibration {
  double slope = 1;
  double intercept = 0;
};

// z = weights . (x - mean) / scale + bias, calibrated.
// Two classes: one z; the probability of the second class is 1 / (1 + exp(-z)).
// More: z_k of each; the probability of class k is exp(z_k) / sum_j exp(z_j).
struct LinearModel {
  ClassTable classes;
  std::vector<double> weights;  // d of two classes, c x d row-major of more
  std::vector<double> biases;   // 1, c
  std::vector<double> mean;     // d
  std::vector<double> scale;    // d, > 0
  Calibration calibration;
  std::string feature_space;
  double lambda = 0;  // the penalty used

  int64_t columns() const { return static_cast<int64_t>(mean.size()); }  // d
  // Error kInvalidArgument: sizes that do not go together, numbers that are not finite, a scale
  // that is not above 0.
  void validate() const;
};

// Vectors of weights that a model of so many classes has: one for two, else one for each.
inline size_t vectors_of(const ClassTable& classes) {
  return classes.names.size() == 2 ? 1 : classes.names.size();
}

struct TrainOptions {
  // Penalty; nullopt: chosen by cross-validation over `lambdas`.
  // Objective: mean log loss + lambda * ((1 - l1_ratio) / 2 * |W|^2 + l1_ratio * |W|_1) on
  // standardised features, biases free.
  std::optional<double> lambda;
  double l1_ratio = 0;  // 0: L2 alone; above it: elastic net, some weights are 0
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

// Rows that were held out, scored by the rest of their fold at the penalty chosen.
struct HeldOut {
  std::vector<int64_t> rows;  // of the training rows, in the order of the folds
  feature::ScoreMatrix scores;
};

struct TrainResult {
  LinearModel model;
  HeldOut held_out;                 // empty without cross-validation
  std::vector<LambdaTrial> trials;  // empty without cross-validation
  int folds = 0;
  std::vector<int64_t> class_rows;  // of each class
};

// Beyond so many numbers of all rows a standardised copy (in double precision, 512 MiB) is not
// made; nor of rows that are float16.
inline constexpr int64_t kMostCopied = int64_t{1} << 26;

// A row that must not train while a group is held out: they share what they show.
struct RowGuard {
  int64_t row = 0;
  int32_t group = 0;
  bool operator==(const RowGuard&) const = default;
};

// n rows to learn from.
struct TrainingRows {
  feature::FeatureRows features;
  std::span<const int8_t> labels;   // n, indices into the classes
  std::span<const int32_t> groups;  // n (rows of one group never part), see make_folds; may be
                                    // empty if options.lambda is set
  const ClassTable& classes;
  std::span<const RowGuard> guards = {};
};

// Two classes: one vector of weights. More: multinomial, one vector for each class.
// Up to 2^26 numbers of float32 are standardised in a copy; sums are of one thread in row order,
// and folds run in parallel. More, and float16, are read where they lie, by all threads in chunks
// whose number is fixed: the same optimum, other last bits. The same bits for any context.threads.
// Error kInvalidArgument: classes that are not valid, sizes that differ, a label that the classes
// lack, a class without rows (how many each has), no rows, a feature that is not finite (row,
// column). Warnings: an optimiser that stopped at its limit, and those of the cross-validation
// (folds left out, held-out rows without a class, a penalty at the end of a path that was widened
// already, a loss no better than the classes' shares).
TrainResult train_classifier(const TrainingRows& rows, const TrainOptions& options,
                             const Context& context);

// Assigns groups to at most max_folds folds, larger groups first onto the smallest fold (ties:
// lower number), deterministic. Result: fold of each row.
std::vector<int32_t> make_folds(std::span<const int32_t> groups, int max_folds);

// n x c. Error kMismatch if the two feature_space differ: both are named.
feature::ScoreMatrix score_patches(const feature::FeatureMatrix& features,
                                   const LinearModel& model);

}  // namespace lamella::classifier
