// SPDX-License-Identifier: Apache-2.0
#include "lamella/classifier/linear_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lamella/base/error.h"
#include "lamella/feature/feature_space.h"

namespace lamella::classifier {

std::vector<double> TrainOptions::default_lambdas() {
  std::vector<double> lambdas;
  for (int i = 0; i < 13; ++i) lambdas.push_back(std::pow(10.0, -4 + 0.5 * i));
  return lambdas;
}

const OptionTable<TrainOptions>& TrainOptions::table() {
  static const auto kTable =
      OptionTable<TrainOptions>()
          .row("l2", &TrainOptions::lambda,
               {.help = "penalty on the weights, or cv: chosen by cross-validation",
                .least = 0,
                .above_least = true,
                .unset = "cv"})
          .row("l1_ratio", &TrainOptions::l1_ratio,
               {.help = "part of the penalty that is on absolute weights: elastic net, 0 for none",
                .least = 0,
                .most = 1})
          .row("max_folds", &TrainOptions::max_folds,
               {.help = "folds of the cross-validation, as far as there are groups", .least = 2})
          .row("max_iterations", &TrainOptions::max_iterations,
               {.help = "iterations of the optimiser at most", .least = 1});
  return kTable;
}

void TrainOptions::validate() const {
  table().check(*this);
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  if (!lambda && lambdas.empty()) refuse("lambdas: found none, expected at least one");
  for (const double value : lambdas) {
    if (!(value > 0 && std::isfinite(value))) {
      refuse(fmt::format("lambdas: found {}, expected numbers above 0", value));
    }
  }
}

std::vector<int32_t> make_folds(std::span<const int32_t> groups, int max_folds) {
  std::map<int32_t, int64_t> sizes;
  for (const int32_t group : groups) ++sizes[group];
  std::vector<std::pair<int32_t, int64_t>> largest_first(sizes.begin(), sizes.end());
  std::stable_sort(largest_first.begin(), largest_first.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });

  const size_t folds = std::min(sizes.size(), static_cast<size_t>(std::max(1, max_folds)));
  std::vector<int64_t> load(std::max<size_t>(1, folds), 0);
  std::map<int32_t, int32_t> fold_of;
  for (const auto& [group, size] : largest_first) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += size;
    fold_of[group] = static_cast<int32_t>(least - load.begin());
  }
  std::vector<int32_t> result;
  result.reserve(groups.size());
  for (const int32_t group : groups) result.push_back(fold_of.at(group));
  return result;
}

void LinearModel::validate() const {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  classes.validate();
  const size_t vectors = vectors_of(classes);
  if (mean.empty() || weights.size() != vectors * mean.size() || scale.size() != mean.size() ||
      biases.size() != vectors) {
    refuse(fmt::format(
        "found {} weights, {} biases, {} means and {} scales for {} classes, "
        "expected {} weights for each mean and scale, and as many biases",
        weights.size(), biases.size(), mean.size(), scale.size(), classes.count(), vectors));
  }
  const auto all_finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  };
  if (!all_finite(weights) || !all_finite(mean) || !all_finite(scale) || !all_finite(biases) ||
      !std::isfinite(calibration.slope) || !std::isfinite(calibration.intercept)) {
    refuse("found numbers that are not finite");
  }
  if (std::any_of(scale.begin(), scale.end(), [](double v) { return v <= 0; })) {
    refuse("found a scale that is not above 0");
  }
  if (vectors > 1 && calibration.intercept != 0) {
    refuse(fmt::format("found the intercept {} in the calibration of {} classes, expected 0",
                       calibration.intercept, classes.count()));
  }
}

namespace {

void score_two(const feature::FeatureMatrix& features, const LinearModel& model,
               std::vector<float>& out) {
  for (int64_t i = 0; i < features.rows; ++i) {
    const std::span<const float> row = features.row(i);
    double z = model.biases[0];
    for (size_t j = 0; j < row.size(); ++j) {
      z += model.weights[j] * ((row[j] - model.mean[j]) / model.scale[j]);
    }
    z = model.calibration.slope * z + model.calibration.intercept;
    const auto second = static_cast<float>(1.0 / (1.0 + std::exp(-z)));
    out.push_back(1.0f - second);
    out.push_back(second);
  }
}

void score_many(const feature::FeatureMatrix& features, const LinearModel& model,
                std::vector<float>& out) {
  std::vector<double> x(static_cast<size_t>(features.columns)), z(model.biases.size());
  for (int64_t i = 0; i < features.rows; ++i) {
    const std::span<const float> row = features.row(i);
    for (size_t j = 0; j < row.size(); ++j) x[j] = (row[j] - model.mean[j]) / model.scale[j];
    for (size_t k = 0; k < z.size(); ++k) {
      double sum = model.biases[k];
      for (size_t j = 0; j < x.size(); ++j) sum += model.weights[k * x.size() + j] * x[j];
      z[k] = model.calibration.slope * sum;
    }
    const double most = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (double& value : z) sum += value = std::exp(value - most);
    for (const double value : z) out.push_back(static_cast<float>(value / sum));
  }
}

}  // namespace

feature::ScoreMatrix score_patches(const feature::FeatureMatrix& features,
                                   const LinearModel& model) {
  if (!feature::same_space(features.feature_space, model.feature_space)) {
    throw Error(
        ErrorCode::kMismatch,
        fmt::format("the features are of '{}', the model was trained on '{}'; encode the "
                    "slide with the model's encoder, patch size and scale{}",
                    features.feature_space, model.feature_space,
                    feature::earlier_space_advice(features.feature_space, model.feature_space)));
  }
  if (features.columns != model.columns()) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the features have {} columns, the model expects {}", features.columns,
                            model.columns()));
  }
  feature::ScoreMatrix scores;
  scores.classes = model.classes;
  scores.values.reserve(static_cast<size_t>(features.rows) * model.classes.names.size());
  if (vectors_of(model.classes) == 1) {
    score_two(features, model, scores.values);
  } else {
    score_many(features, model, scores.values);
  }
  return scores;
}

}  // namespace lamella::classifier
