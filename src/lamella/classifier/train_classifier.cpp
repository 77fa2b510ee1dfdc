// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/base/text.h"
#include "lamella/classifier/linear_model.h"
#include "lamella/classifier/logistic_internal.h"

namespace lamella::classifier {

namespace {

std::vector<int64_t> count_rows(std::span<const int8_t> labels, int classes) {
  std::vector<int64_t> counts(static_cast<size_t>(classes), 0);
  for (const int8_t label : labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

void check_values(const TrainingRows& rows) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  for (int64_t i = 0; i < rows.features.rows; ++i) {
    const auto row = rows.features.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      if (!std::isfinite(row[j])) {
        refuse(fmt::format("row {}, column {}: found {}, expected a finite feature", i, j, row[j]));
      }
    }
    const int label = rows.labels[static_cast<size_t>(i)];
    if (!rows.classes.has(label)) {
      refuse(fmt::format("row {}: found the label {}, expected 0 to {} ({})", i, label,
                         rows.classes.count() - 1, rows.classes.text()));
    }
  }
}

void check(const TrainingRows& rows, const TrainOptions& options) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  options.validate();
  rows.classes.validate();
  if (rows.features.rows == 0 || rows.features.columns == 0) {
    refuse("there are no rows to train on");
  }
  if (static_cast<int64_t>(rows.labels.size()) != rows.features.rows) {
    refuse(fmt::format("found {} labels for {} rows", rows.labels.size(), rows.features.rows));
  }
  if (!options.lambda && rows.groups.size() != rows.labels.size()) {
    refuse(fmt::format("found {} groups for {} rows", rows.groups.size(), rows.features.rows));
  }
  check_values(rows);
  const std::vector<int64_t> counts = count_rows(rows.labels, rows.classes.count());
  std::vector<std::string> missing, found;
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) missing.push_back(rows.classes.names[k]);
    found.push_back(fmt::format("{} {}", counts[k], rows.classes.names[k]));
  }
  if (!missing.empty()) {
    refuse(fmt::format("no rows of class {}: found {}; training needs rows of every class",
                       join(missing, ", "), join(found, ", ")));
  }
}

struct Rows {
  std::vector<int64_t> index;
  std::vector<int8_t> labels;

  void add(int64_t row, int8_t label) {
    index.push_back(row);
    labels.push_back(label);
  }
};

// The classes that have no row here.
std::string missing_classes(const Rows& rows, const ClassTable& classes) {
  const std::vector<int64_t> counts = count_rows(rows.labels, classes.count());
  std::vector<std::string> missing;
  for (size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) missing.push_back(classes.names[k]);
  }
  return join(missing, ", ");
}

Eigen::VectorXd no_weights(const TrainingRows& rows) {
  return Eigen::VectorXd::Zero(static_cast<Eigen::Index>(vectors_of(rows.classes)) *
                               (rows.features.columns + 1));
}

// Sum of the held-out log loss for each lambda, from the largest penalty down (warm starts).
std::vector<double> try_lambdas(const TrainingRows& all, const Rows& train, const Rows& held_out,
                                const TrainOptions& options, const CancelToken& cancel) {
  const Standardisation standardisation = fit_standardisation(all.features, train.index);
  const Matrix x = standardise(all.features, train.index, standardisation);
  const Matrix y = standardise(all.features, held_out.index, standardisation);
  std::vector<size_t> order(options.lambdas.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return options.lambdas[a] > options.lambdas[b]; });
  std::vector<double> losses(order.size());
  Eigen::VectorXd weights = no_weights(all);
  for (const size_t k : order) {
    fit_logistic({x, train.labels, all.classes.count()},
                 {options.lambdas[k], options.max_iterations}, cancel, weights);
    losses[k] = log_loss_sum({y, held_out.labels, all.classes.count()}, weights);
  }
  return losses;
}

struct CrossValidation {
  std::vector<LambdaTrial> trials;
  int folds = 0;
  double best = 0;
};

struct Folds {
  std::vector<Rows> train, held_out;
  std::vector<size_t> usable;  // those whose rest has rows of every class
};

Folds split(const TrainingRows& rows, const TrainOptions& options, const Context& context) {
  const std::vector<int32_t> fold_of = make_folds(rows.groups, options.max_folds);
  const int folds = 1 + *std::max_element(fold_of.begin(), fold_of.end());
  Folds split;
  split.train.resize(static_cast<size_t>(folds));
  split.held_out.resize(static_cast<size_t>(folds));
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    for (int32_t fold = 0; fold < folds; ++fold) {
      auto& part = fold_of[i] == fold ? split.held_out : split.train;
      part[static_cast<size_t>(fold)].add(static_cast<int64_t>(i), rows.labels[i]);
    }
  }
  for (size_t fold = 0; fold < split.train.size(); ++fold) {
    const std::string missing = missing_classes(split.train[fold], rows.classes);
    if (missing.empty()) {
      split.usable.push_back(fold);
    } else {
      context.warn(
          fmt::format("cross-validation: fold {} of {} is left out, since the rest has no rows of "
                      "class {}",
                      fold + 1, folds, missing));
    }
  }
  if (split.usable.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cross-validation is not possible: {} groups of rows, and without any "
                            "one of them a class has no rows left; give the penalty as a number "
                            "(train.l2)",
                            folds));
  }
  return split;
}

CrossValidation cross_validate(const TrainingRows& rows, const TrainOptions& options,
                               const Context& context) {
  const auto [train, held_out, usable] = split(rows, options, context);
  std::vector<std::vector<double>> losses(usable.size());
  parallel_for(static_cast<int64_t>(usable.size()), context.threads, [&](int64_t k, int) {
    const size_t fold = usable[static_cast<size_t>(k)];
    losses[static_cast<size_t>(k)] =
        try_lambdas(rows, train[fold], held_out[fold], options, context.cancel);
  });

  CrossValidation result;
  result.folds = static_cast<int>(usable.size());
  double least = std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < options.lambdas.size(); ++k) {
    double sum = 0, held = 0;
    LambdaTrial trial;
    for (size_t f = 0; f < usable.size(); ++f) {
      sum += losses[f][k];
      const auto fold_rows = static_cast<double>(held_out[usable[f]].index.size());
      held += fold_rows;
      trial.fold_log_loss.push_back(losses[f][k] / fold_rows);
    }
    trial.lambda = options.lambdas[k];
    trial.mean_log_loss = sum / held;
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

TrainResult train_classifier(const TrainingRows& rows, const TrainOptions& options,
                             const Context& context) {
  check(rows, options);
  const feature::FeatureMatrix& features = rows.features;
  TrainResult result;
  result.class_rows = count_rows(rows.labels, rows.classes.count());
  double lambda = options.lambda.value_or(0);
  if (!options.lambda) {
    const CrossValidation chosen = cross_validate(rows, options, context);
    result.trials = chosen.trials;
    result.folds = chosen.folds;
    lambda = chosen.best;
  }

  Rows all;
  for (size_t i = 0; i < rows.labels.size(); ++i) all.add(static_cast<int64_t>(i), rows.labels[i]);
  const Standardisation standardisation = fit_standardisation(features, all.index);
  Eigen::VectorXd weights = no_weights(rows);
  fit_logistic(
      {standardise(features, all.index, standardisation), all.labels, rows.classes.count()},
      {lambda, options.max_iterations}, context.cancel, weights);

  const auto copy = [](const auto& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  LinearModel& model = result.model;
  model.classes = rows.classes;
  for (size_t k = 0; k < vectors_of(rows.classes); ++k) {
    const auto first = static_cast<Eigen::Index>(k) * (features.columns + 1);
    const auto one = copy(weights.segment(first, features.columns));
    model.weights.insert(model.weights.end(), one.begin(), one.end());
    model.biases.push_back(weights[first + features.columns]);
  }
  model.mean = copy(standardisation.mean);
  model.scale = copy(standardisation.scale);
  model.feature_space = features.feature_space;
  model.lambda = lambda;
  return result;
}

}  // namespace lamella::classifier
