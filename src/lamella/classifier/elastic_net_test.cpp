// SPDX-License-Identifier: Apache-2.0
// Elastic net, rows kept out of a fold's training, and scores of held-out rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/random.h"
#include "lamella/classifier/linear_model.h"

namespace lamella::classifier {
namespace {

struct Data {
  feature::FeatureMatrix features;
  std::vector<int8_t> labels;
  std::vector<int32_t> groups;
  ClassTable classes;
};

// The first two of d numbers say something of the class, the others nothing.
Data make_data(int n, int d, int classes) {
  Random random(17);
  Data data;
  data.features.rows = n;
  data.features.columns = d;
  data.features.feature_space = "net/0/8px@1mpp";
  data.features.precision = "f32";
  for (int k = 0; k < classes; ++k)
    data.classes.names.push_back(std::string(1, static_cast<char>('a' + k)));
  for (int i = 0; i < n; ++i) {
    const auto label = static_cast<int8_t>(random.below(static_cast<uint64_t>(classes)));
    data.labels.push_back(label);
    data.groups.push_back(i % 5);
    for (int j = 0; j < d; ++j) {
      const double shift = j == 0 ? label : j == 1 && label == 1 ? 1.2 : 0;
      data.features.values.push_back(static_cast<float>(shift + random.normal()));
    }
  }
  return data;
}

// Where the gradient of the mean log loss and the L2 part stands at the optimum: minus the slope of
// the L1 part where a weight is not 0, within it where it is (Karush, Kuhn and Tucker).
void expect_optimal(const Data& data, const LinearModel& model, double lambda, double l1_ratio) {
  const auto d = static_cast<size_t>(data.features.columns);
  const size_t vectors = vectors_of(data.classes);
  const feature::ScoreMatrix scores = score_patches(data.features, model);
  std::vector<double> gradient(vectors * d), bias(vectors);
  const auto n = static_cast<double>(data.labels.size());
  for (size_t i = 0; i < data.labels.size(); ++i) {
    const auto x = data.features.row(static_cast<int64_t>(i));
    const auto p = scores.row(static_cast<int64_t>(i));
    for (size_t v = 0; v < vectors; ++v) {
      const size_t k = vectors == 1 ? 1 : v;
      const double rest = p[k] - (data.labels[i] == static_cast<int8_t>(k) ? 1 : 0);
      bias[v] += rest / n;
      for (size_t j = 0; j < d; ++j) {
        gradient[v * d + j] += rest * (x[j] - model.mean[j]) / model.scale[j] / n;
      }
    }
  }
  const double l1 = lambda * l1_ratio;
  for (size_t k = 0; k < gradient.size(); ++k) {
    const double w = model.weights[k], g = gradient[k] + lambda * (1 - l1_ratio) * w;
    if (w == 0) {
      EXPECT_LE(std::abs(g), l1 + 1e-5);
    } else {
      EXPECT_NEAR(g, w > 0 ? -l1 : l1, 1e-5);
    }
  }
  for (const double b : bias) EXPECT_NEAR(b, 0, 1e-5) << "biases are free";
}

TEST(ElasticNet, IsAtItsOptimumAndSparse) {
  for (const int classes : {2, 3}) {
    const Data data = make_data(400, 12, classes);
    for (const double l1_ratio : {0.5, 1.0}) {
      TrainOptions options;
      options.lambda = 0.05;
      options.l1_ratio = l1_ratio;
      const LinearModel model =
          train_classifier({data.features, data.labels, {}, data.classes}, options, {}).model;
      expect_optimal(data, model, 0.05, l1_ratio);
      const auto zeros = std::count(model.weights.begin(), model.weights.end(), 0.0);
      EXPECT_GT(zeros, static_cast<ptrdiff_t>(model.weights.size() / 3)) << classes;
      EXPECT_NE(model.weights[0], 0);
    }
    TrainOptions ridge;
    ridge.lambda = 0.05;
    const LinearModel model =
        train_classifier({data.features, data.labels, {}, data.classes}, ridge, {}).model;
    expect_optimal(data, model, 0.05, 0);
    EXPECT_EQ(std::count(model.weights.begin(), model.weights.end(), 0.0), 0);
  }
}

TEST(ElasticNet, RefusesAPartThatIsNone) {
  TrainOptions options;
  options.l1_ratio = 1.5;
  EXPECT_ANY_THROW(options.validate());
}

TEST(HeldOut, EveryRowOnceByAModelThatHasNotSeenIt) {
  const Data data = make_data(200, 4, 2);
  const TrainResult made =
      train_classifier({data.features, data.labels, data.groups, data.classes}, {}, {});
  std::vector<int64_t> rows = made.held_out.rows;
  ASSERT_EQ(rows.size(), 200u);
  ASSERT_EQ(made.held_out.scores.values.size(), 400u);
  std::sort(rows.begin(), rows.end());
  for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(rows[static_cast<size_t>(i)], i);
  // Group 0 by a model of the others, made apart.
  Data rest = data;
  rest.features.values.clear();
  rest.labels.clear();
  for (int64_t i = 0; i < 200; ++i) {
    if (i % 5 == 0) continue;
    const auto row = data.features.row(i);
    rest.features.values.insert(rest.features.values.end(), row.begin(), row.end());
    rest.labels.push_back(data.labels[static_cast<size_t>(i)]);
  }
  rest.features.rows = 160;
  TrainOptions options;
  options.lambda = made.model.lambda;
  const LinearModel apart =
      train_classifier({rest.features, rest.labels, {}, rest.classes}, options, {}).model;
  const feature::ScoreMatrix scores = score_patches(data.features, apart);
  for (size_t k = 0; k < made.held_out.rows.size(); ++k) {
    const int64_t row = made.held_out.rows[k];
    if (row % 5) continue;
    EXPECT_NEAR(made.held_out.scores.row(static_cast<int64_t>(k))[1], scores.row(row)[1], 1e-6);
  }
  TrainOptions given;
  given.lambda = 1;
  EXPECT_TRUE(train_classifier({data.features, data.labels, {}, data.classes}, given, {})
                  .held_out.rows.empty());
}

TEST(Guards, KeepRowsOutOfTheTrainingOfAFold) {
  // Rows of group 1 carry the wrong labels; guarded against group 0, they do it no harm.
  Data data = make_data(200, 4, 2);
  std::vector<RowGuard> guards;
  for (int64_t i = 0; i < 200; ++i) {
    if (i % 5 != 1) continue;
    data.labels[static_cast<size_t>(i)] =
        static_cast<int8_t>(1 - data.labels[static_cast<size_t>(i)]);
    guards.push_back({i, 0});
  }
  const auto loss_of_group_0 = [&](std::span<const RowGuard> guarded) {
    TrainOptions options;
    options.lambdas = {0.01};
    const TrainResult made = train_classifier(
        {data.features, data.labels, data.groups, data.classes, guarded}, options, {});
    double loss = 0;
    for (size_t k = 0; k < made.held_out.rows.size(); ++k) {
      const auto row = static_cast<size_t>(made.held_out.rows[k]);
      if (data.groups[row] != 0) continue;
      loss -= std::log(
          made.held_out.scores.row(static_cast<int64_t>(k))[static_cast<size_t>(data.labels[row])]);
    }
    return loss;
  };
  EXPECT_LT(loss_of_group_0(guards), loss_of_group_0({}));
}

TEST(SeparableData, HasFiniteCoefficients) {
  Data data = make_data(40, 2, 2);
  for (int64_t i = 0; i < 40; ++i) {
    data.features.row(i)[0] = data.labels[static_cast<size_t>(i)] ? 5.0f : -5.0f;
    data.features.row(i)[1] = 3;  // constant
  }
  for (const double l1_ratio : {0.0, 0.5}) {
    TrainOptions options;
    options.lambda = 1e-4;
    options.l1_ratio = l1_ratio;
    const LinearModel model =
        train_classifier({data.features, data.labels, {}, data.classes}, options, {}).model;
    EXPECT_TRUE(std::isfinite(model.weights[0]));
    EXPECT_LT(std::abs(model.weights[0]), 100);
    EXPECT_EQ(model.weights[1], 0) << "a constant says nothing";
  }
}

}  // namespace
}  // namespace lamella::classifier
