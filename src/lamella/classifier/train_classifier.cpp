// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/classifier/linear_model.h"
#include "lamella/classifier/logistic_internal.h"

namespace lamella::classifier {

namespace {

void check(const feature::FeatureMatrix& features, std::span<const int8_t> labels,
           std::span<const int32_t> groups, const TrainOptions& options) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  options.validate();
  if (features.rows == 0 || features.columns == 0) refuse("there are no rows to train on");
  if (static_cast<int64_t>(labels.size()) != features.rows) {
    refuse(fmt::format("found {} labels for {} rows", labels.size(), features.rows));
  }
  if (!options.lambda && groups.size() != labels.size()) {
    refuse(fmt::format("found {} groups for {} rows", groups.size(), features.rows));
  }
  for (int64_t i = 0; i < features.rows; ++i) {
    const auto row = features.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      if (!std::isfinite(row[j])) {
        refuse(fmt::format("row {}, column {}: found {}, expected a finite feature", i, j, row[j]));
      }
    }
    const int label = labels[static_cast<size_t>(i)];
    if (label != 0 && label != 1)
      refuse(fmt::format("row {}: label {}, expected 0 or 1", i, label));
  }
  const int64_t positive = std::count(labels.begin(), labels.end(), int8_t{1});
  if (positive == 0 || positive == features.rows) {
    refuse(
        fmt::format("labels of one class only: all {} rows are {}; training needs both classes, "
                    "tumour and normal",
                    features.rows, positive == 0 ? "normal (0)" : "tumour (1)"));
  }
}

struct Rows {
  std::vector<int64_t> index;
  std::vector<double> labels;

  void add(int64_t row, int8_t label) {
    index.push_back(row);
    labels.push_back(label);
  }
  bool both_classes() const {
    return std::find(labels.begin(), labels.end(), 0.0) != labels.end() &&
           std::find(labels.begin(), labels.end(), 1.0) != labels.end();
  }
};

// Sum of the held-out log loss for each lambda, from the largest penalty down (warm starts).
std::vector<double> try_lambdas(const feature::FeatureMatrix& features, const Rows& train,
                                const Rows& held_out, const TrainOptions& options,
                                const CancelToken& cancel) {
  const Standardisation standardisation = fit_standardisation(features, train.index);
  const Matrix x = standardise(features, train.index, standardisation);
  const Matrix y = standardise(features, held_out.index, standardisation);
  std::vector<size_t> order(options.lambdas.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return options.lambdas[a] > options.lambdas[b]; });
  std::vector<double> losses(order.size());
  Eigen::VectorXd weights = Eigen::VectorXd::Zero(features.columns + 1);
  for (const size_t k : order) {
    fit_logistic(x, train.labels, {options.lambdas[k], options.max_iterations}, cancel, weights);
    losses[k] = log_loss_sum(y, held_out.labels, weights);
  }
  return losses;
}

struct CrossValidation {
  std::vector<LambdaTrial> trials;
  int folds = 0;
  double best = 0;
};

CrossValidation cross_validate(const feature::FeatureMatrix& features,
                               std::span<const int8_t> labels, std::span<const int32_t> groups,
                               const TrainOptions& options, const Context& context) {
  const std::vector<int32_t> fold_of = make_folds(groups, options.max_folds);
  const int folds = 1 + *std::max_element(fold_of.begin(), fold_of.end());
  std::vector<Rows> train(static_cast<size_t>(folds)), held_out(static_cast<size_t>(folds));
  for (size_t i = 0; i < labels.size(); ++i) {
    for (int32_t fold = 0; fold < folds; ++fold) {
      Rows& rows = fold_of[i] == fold ? held_out[static_cast<size_t>(fold)]
                                      : train[static_cast<size_t>(fold)];
      rows.add(static_cast<int64_t>(i), labels[i]);
    }
  }
  std::vector<size_t> usable;
  for (size_t fold = 0; fold < train.size(); ++fold) {
    if (train[fold].both_classes()) {
      usable.push_back(fold);
    } else {
      context.warn(
          fmt::format("cross-validation: fold {} of {} is left out, since the rest has "
                      "labels of one class only",
                      fold + 1, folds));
    }
  }
  if (usable.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cross-validation is not possible: {} groups of rows, and without any "
                            "one of them labels of one class only are left; give the penalty as a "
                            "number (train.l2)",
                            folds));
  }

  std::vector<std::vector<double>> losses(usable.size());
  parallel_for(static_cast<int64_t>(usable.size()), context.threads, [&](int64_t k, int) {
    const size_t fold = usable[static_cast<size_t>(k)];
    losses[static_cast<size_t>(k)] =
        try_lambdas(features, train[fold], held_out[fold], options, context.cancel);
  });

  CrossValidation result;
  result.folds = static_cast<int>(usable.size());
  double least = std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < options.lambdas.size(); ++k) {
    double sum = 0, rows = 0;
    LambdaTrial trial;
    for (size_t f = 0; f < usable.size(); ++f) {
      sum += losses[f][k];
      const auto fold_rows = static_cast<double>(held_out[usable[f]].index.size());
      rows += fold_rows;
      trial.fold_log_loss.push_back(losses[f][k] / fold_rows);
    }
    trial.lambda = options.lambdas[k];
    trial.mean_log_loss = sum / rows;
    result.trials.push_back(trial);
    if (trial.mean_log_loss < least ||
        (trial.mean_log_loss == least && trial.lambda > result.best)) {
      least = trial.mean_log_loss;
      result.best = trial.lambda;
    }
  }
  return result;
}

}  // namespace

TrainResult train_classifier(const feature::FeatureMatrix& features, std::span<const int8_t> labels,
                             std::span<const int32_t> groups, const TrainOptions& options,
                             const Context& context) {
  check(features, labels, groups, options);
  TrainResult result;
  result.rows_positive = std::count(labels.begin(), labels.end(), int8_t{1});
  result.rows_negative = features.rows - result.rows_positive;
  double lambda = options.lambda.value_or(0);
  if (!options.lambda) {
    const CrossValidation chosen = cross_validate(features, labels, groups, options, context);
    result.trials = chosen.trials;
    result.folds = chosen.folds;
    lambda = chosen.best;
  }

  Rows all;
  for (size_t i = 0; i < labels.size(); ++i) all.add(static_cast<int64_t>(i), labels[i]);
  const Standardisation standardisation = fit_standardisation(features, all.index);
  Eigen::VectorXd weights = Eigen::VectorXd::Zero(features.columns + 1);
  fit_logistic(standardise(features, all.index, standardisation), all.labels,
               {lambda, options.max_iterations}, context.cancel, weights);

  const auto copy = [](const auto& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  LinearModel& model = result.model;
  model.weights = copy(weights.head(features.columns));
  model.bias = weights[features.columns];
  model.mean = copy(standardisation.mean);
  model.scale = copy(standardisation.scale);
  model.feature_space = features.feature_space;
  model.lambda = lambda;
  return result;
}

}  // namespace lamella::classifier
