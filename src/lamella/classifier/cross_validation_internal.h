// SPDX-License-Identifier: Apache-2.0
// The penalty, chosen on rows that are held out.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/classifier/linear_model.h"

namespace lamella::classifier {

// Some of the rows, and their labels.
struct RowSet {
  std::vector<int64_t> index;
  std::vector<int8_t> labels;

  void add(int64_t row, int8_t label) {
    index.push_back(row);
    labels.push_back(label);
  }
};

std::vector<int64_t> count_rows(std::span<const int8_t> labels, int classes);
// As fit_logistic begins with.
Eigen::VectorXd no_weights(const TrainingRows& rows);

struct CrossValidation {
  std::vector<LambdaTrial> trials;  // lambdas as given, then those by which the path was widened
  int folds = 0;
  double best = 0;
  HeldOut held_out;  // at the best
};

// Where the least loss lies at an end of the path, and is clearly less than its neighbour's, the
// path goes on there, at most two times by four penalties at its own distances; said as a notice.
// Warnings: a fold that is left out; held-out rows that lack a class; an optimiser that stopped at
// its limit for the penalty chosen; an end that is still the best; a loss no better than that of
// the classes' shares alone. Error kInvalidArgument: no fold can be held out.
CrossValidation cross_validate(const TrainingRows& rows, const TrainOptions& options,
                               const Context& context);

}  // namespace lamella::classifier
