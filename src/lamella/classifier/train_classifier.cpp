// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/classifier/cross_validation_internal.h"
#include "lamella/classifier/fold_fit_internal.h"
#include "lamella/classifier/linear_model.h"

namespace lamella::classifier {

namespace {

void check_values(const TrainingRows& rows) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  std::vector<float> scratch(static_cast<size_t>(rows.features.columns));
  for (int64_t i = 0; i < rows.features.rows; ++i) {
    const float* row = rows.features.row(i, scratch.data());
    for (int64_t j = 0; j < rows.features.columns; ++j) {
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

}  // namespace

TrainResult train_classifier(const TrainingRows& rows, const TrainOptions& options,
                             const Context& context) {
  check(rows, options);
  const feature::FeatureRows& features = rows.features;
  TrainResult result;
  result.class_rows = count_rows(rows.labels, rows.classes.count());
  double lambda = options.lambda.value_or(0);
  if (!options.lambda) {
    CrossValidation chosen = cross_validate(rows, options, context);
    result.held_out = std::move(chosen.held_out);
    result.trials = chosen.trials;
    result.folds = chosen.folds;
    lambda = chosen.best;
  }

  RowSet all;
  for (size_t i = 0; i < rows.labels.size(); ++i) all.add(static_cast<int64_t>(i), rows.labels[i]);
  const RowSet none;
  const FoldFit fit(rows, all, none, context.threads);
  const Standardisation& standardisation = fit.standardisation();
  Eigen::VectorXd weights = no_weights(rows);
  const bool converged =
      fit.fit({lambda, options.max_iterations, options.l1_ratio}, context.cancel, weights);
  if (!converged) {
    context.warn(
        fmt::format("the optimiser stopped at its limit of {} iterations: the model is not "
                    "the best for its penalty of {:.4g}; raise max_iterations",
                    options.max_iterations, lambda));
  }

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
