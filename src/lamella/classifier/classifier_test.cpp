// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/classifier/linear_model.h"

namespace lamella::classifier {
namespace {

feature::FeatureMatrix matrix(int64_t columns, std::vector<float> values) {
  feature::FeatureMatrix made;
  made.columns = columns;
  made.rows = static_cast<int64_t>(values.size()) / columns;
  made.values = std::move(values);
  made.feature_space = "net/0/8px@1mpp";
  made.precision = "f32";
  return made;
}

const ClassTable kTwo{{"no", "yes"}};
const ClassTable kThree{{"a", "b", "c"}};

struct Data {
  feature::FeatureMatrix features;
  std::vector<int8_t> labels;
  std::vector<int32_t> groups;
};

TrainResult train(const feature::FeatureMatrix& features, const std::vector<int8_t>& labels,
                  const std::vector<int32_t>& groups, const TrainOptions& options,
                  const Context& context = {}) {
  return train_classifier({features, labels, groups, kTwo}, options, context);
}

// n rows of d numbers; labels drawn from a logistic model; six groups.
Data make_data(int n, int d, uint64_t seed) {
  Random random(seed);
  Data data;
  std::vector<float> values;
  for (int i = 0; i < n; ++i) {
    double z = 0.3;
    for (int j = 0; j < d; ++j) {
      const double x = random.normal() * (1 + j) + 10 * j;
      values.push_back(static_cast<float>(x));
      z += (j % 2 ? -0.8 : 1.0) * (x - 10 * j) / (1 + j);
    }
    data.labels.push_back(static_cast<int8_t>(random.uniform() < 1 / (1 + std::exp(-z))));
    data.groups.push_back(i % 6);
  }
  data.features = matrix(d, std::move(values));
  return data;
}

TrainOptions with_lambda(double lambda) {
  TrainOptions options;
  options.lambda = lambda;
  return options;
}

// Newton's method in long double, written apart from the code under test: the specification.
Eigen::VectorXd newton(const Data& data, double lambda) {
  const Eigen::Index n = data.features.rows, d = data.features.columns;
  Eigen::MatrixXd x(n, d + 1);
  for (Eigen::Index j = 0; j < d; ++j) {
    double mean = 0, square = 0;
    for (Eigen::Index i = 0; i < n; ++i) mean += data.features.row(i)[j] / double(n);
    for (Eigen::Index i = 0; i < n; ++i) square += std::pow(data.features.row(i)[j] - mean, 2);
    for (Eigen::Index i = 0; i < n; ++i) {
      x(i, j) = (data.features.row(i)[j] - mean) / std::sqrt(square / double(n));
    }
  }
  x.col(d).setOnes();
  Eigen::VectorXd penalty = Eigen::VectorXd::Constant(d + 1, lambda);
  penalty[d] = 0;
  Eigen::VectorXd w = Eigen::VectorXd::Zero(d + 1);
  for (int step = 0; step < 50; ++step) {
    const Eigen::VectorXd p = (1 / (1 + (-(x * w)).array().exp())).matrix();
    Eigen::VectorXd residual = p;
    for (Eigen::Index i = 0; i < n; ++i) residual[i] -= data.labels[static_cast<size_t>(i)];
    const Eigen::VectorXd gradient = x.transpose() * residual / double(n) + penalty.cwiseProduct(w);
    Eigen::MatrixXd hessian =
        x.transpose() * (p.array() * (1 - p.array())).matrix().asDiagonal() * x / double(n);
    hessian.diagonal() += penalty;
    w -= hessian.ldlt().solve(gradient);
  }
  return w;
}

TEST(Train, TwoPointsByHand) {
  // x = 0 (no), 2 (yes): standardised -1, 1. By symmetry the bias is 0 and w solves
  // lambda w = 1 / (1 + exp(w)): both rows have margin w. For lambda = 1/(1+e), w = 1.
  const TrainResult trained =
      train(matrix(1, {0, 2}), {0, 1}, {}, with_lambda(1 / (1 + std::exp(1.0))), {});
  EXPECT_NEAR(trained.model.weights[0], 1, 1e-6);
  EXPECT_NEAR(trained.model.biases[0], 0, 1e-7);
  EXPECT_EQ(trained.model.mean[0], 1);
  EXPECT_EQ(trained.model.scale[0], 1);
  EXPECT_EQ(trained.class_rows, (std::vector<int64_t>{1, 1}));
  const auto scores = score_patches(matrix(1, {2, 1}), trained.model);
  EXPECT_NEAR(scores.row(0)[1], 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(scores.row(0)[0], 1.0f - scores.row(0)[1]);
  EXPECT_NEAR(scores.row(1)[1], 0.5, 1e-6);
}

TEST(Train, AgreesWithNewton) {
  const Data data = make_data(200, 6, 3);
  for (const double lambda : {1e-3, 0.1, 10.0}) {
    const TrainResult trained = train(data.features, data.labels, {}, with_lambda(lambda), {});
    const Eigen::VectorXd expected = newton(data, lambda);
    for (size_t j = 0; j < 6; ++j) {
      EXPECT_NEAR(trained.model.weights[j], expected[static_cast<Eigen::Index>(j)], 1e-6);
    }
    EXPECT_NEAR(trained.model.biases[0], expected[6], 1e-6);
  }
}

TEST(Train, DoesNotDependOnTheFeaturesUnits) {
  Data data = make_data(100, 3, 5);
  const auto before = train(data.features, data.labels, {}, with_lambda(0.1), {});
  const auto scores = score_patches(data.features, before.model);
  for (int64_t i = 0; i < data.features.rows; ++i) data.features.row(i)[1] *= 1024;
  const auto after = train(data.features, data.labels, {}, with_lambda(0.1), {});
  const auto scaled = score_patches(data.features, after.model);
  for (size_t i = 0; i < scores.values.size(); ++i) {
    EXPECT_NEAR(scores.values[i], scaled.values[i], 1e-6);
  }
}

TEST(Train, AConstantColumnIsHarmless) {
  const TrainResult trained = train(matrix(2, {0, 7, 2, 7}), {0, 1}, {}, with_lambda(1), {});
  EXPECT_EQ(trained.model.weights[1], 0);
  EXPECT_EQ(trained.model.scale[1], 1);
}

TEST(Train, GivesTheSameBitsForAnyThreadCount) {
  const Data data = make_data(300, 20, 7);
  Context context;
  const TrainResult one = train(data.features, data.labels, data.groups, {}, context);
  EXPECT_EQ(one.trials.size(), 13u);
  EXPECT_EQ(one.folds, 5);
  for (const int threads : {2, 4}) {
    context.threads = threads;
    const TrainResult many = train(data.features, data.labels, data.groups, {}, context);
    EXPECT_EQ(many.model.weights, one.model.weights);
    EXPECT_EQ(many.model.biases[0], one.model.biases[0]);
    for (size_t k = 0; k < one.trials.size(); ++k) {
      EXPECT_EQ(many.trials[k].mean_log_loss, one.trials[k].mean_log_loss);
    }
  }
}

TEST(Train, ChoosesTheLeastHeldOutLoss) {
  const Data data = make_data(300, 20, 9);
  const TrainResult trained = train(data.features, data.labels, data.groups, {}, {});
  for (const LambdaTrial& trial : trained.trials) {
    if (trial.lambda == trained.model.lambda) {
      for (const LambdaTrial& other : trained.trials) {
        EXPECT_GE(other.mean_log_loss, trial.mean_log_loss);
      }
    }
  }
  // Two groups: each fold is trained on the other half. By hand for one lambda.
  TrainOptions options;
  options.lambdas = {0.5};
  Data halves = make_data(40, 2, 4);
  for (size_t i = 0; i < halves.groups.size(); ++i) halves.groups[i] = i < 20 ? 0 : 1;
  const auto half = [&](size_t first) {
    Data part;
    const auto begin = halves.features.values.begin() + static_cast<ptrdiff_t>(first * 2);
    part.features = matrix(2, std::vector<float>(begin, begin + 40));
    part.labels.assign(halves.labels.begin() + static_cast<ptrdiff_t>(first),
                       halves.labels.begin() + static_cast<ptrdiff_t>(first + 20));
    return part;
  };
  double loss = 0;
  for (const size_t first : {size_t{0}, size_t{20}}) {
    const Data train = half(first), test = half(20 - first);
    const auto model =
        classifier::train(train.features, train.labels, {}, with_lambda(0.5), {}).model;
    const auto scores = score_patches(test.features, model);
    for (size_t i = 0; i < 20; ++i) {
      loss -= std::log(scores.row(static_cast<int64_t>(i))[test.labels[i] ? 1 : 0]) / 40;
    }
  }
  const auto result = train(halves.features, halves.labels, halves.groups, options, {});
  EXPECT_NEAR(result.trials[0].mean_log_loss, loss, 1e-6);
}

TEST(Train, RefusesWhatCannotBeLearnt) {
  const auto refuses = [](const feature::FeatureMatrix& features, std::vector<int8_t> labels,
                          std::vector<int32_t> groups, const std::string& word) {
    try {
      train(features, labels, groups, {});
      ADD_FAILURE() << "nothing was thrown for " << word;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(word), std::string::npos) << error.message();
    }
  };
  refuses(matrix(1, {1, 2}), {1, 1}, {0, 1}, "no rows of class no: found 0 no, 2 yes");
  refuses(matrix(1, {1, 2}), {0, 0}, {0, 1}, "no rows of class yes");
  refuses(matrix(1, {1, 2}), {0, 1, 1}, {0, 1}, "3 labels for 2 rows");
  refuses(matrix(1, {1, 2}), {0, 1}, {0}, "1 groups for 2 rows");
  refuses(matrix(1, {1, 2}), {0, 7}, {0, 1}, "label 7, expected 0 to 1 (no, yes)");
  refuses(matrix(1, {1, std::numeric_limits<float>::quiet_NaN()}), {0, 1}, {0, 1},
          "row 1, column 0");
  refuses(matrix(1, {}), {}, {}, "no rows");
  refuses(matrix(1, {1, 2, 3, 4}), {0, 0, 1, 1}, {0, 0, 1, 1}, "cross-validation is not possible");
  TrainOptions options = with_lambda(-1);
  EXPECT_THROW(options.validate(), Error);
}

TEST(Train, LeavesOutFoldsThatCannotTrainAndSaysSo) {
  // Group 2 holds all the rows of one class: without it only the other's are left.
  std::vector<std::string> warnings;
  Context context;
  context.warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto result =
      train(matrix(1, {0, 1, 2, 3, 9, 8}), {0, 0, 0, 0, 1, 1}, {0, 0, 1, 1, 2, 2}, {}, context);
  EXPECT_EQ(result.folds, 2);
  ASSERT_GE(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("fold"), std::string::npos);
  EXPECT_NE(warnings[1].find("no held-out row is of class yes"), std::string::npos) << warnings[1];
}

struct Heard {
  std::vector<std::string> warnings, notes;
  Context context;
  Heard() {
    context.warning = [this](const std::string& text) { warnings.push_back(text); };
    context.notice = [this](const std::string& text) { notes.push_back(text); };
  }
  static bool holds(const std::vector<std::string>& texts, const std::string& word) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(word) != std::string::npos;
    });
  }
};

TEST(Train, WidensThePathWhereItsEndIsBest) {
  const Data data = make_data(300, 20, 9);
  const auto whole = train(data.features, data.labels, data.groups, {}, {});
  // Three penalties of the whole path, rising, of which the least is the best by far.
  size_t k = 1;
  while (k + 2 < whole.trials.size() &&
         whole.trials[k + 1].mean_log_loss - whole.trials[k].mean_log_loss < 0.02) {
    ++k;
  }
  ASSERT_LT(k + 2, whole.trials.size());
  TrainOptions options;
  options.lambdas = {whole.trials[k + 2].lambda, whole.trials[k + 1].lambda,
                     whole.trials[k].lambda};
  Heard heard;
  const auto result = train(data.features, data.labels, data.groups, options, heard.context);
  ASSERT_GE(result.trials.size(), 7u);
  EXPECT_TRUE(Heard::holds(heard.notes, "the least of the 3 tried; 4 more are tried"));
  EXPECT_NEAR(result.trials[3].lambda / whole.trials[k - 1].lambda, 1, 1e-9);
  EXPECT_NEAR(result.trials[3].mean_log_loss, whole.trials[k - 1].mean_log_loss, 1e-6);
  EXPECT_LE(result.model.lambda, whole.trials[k - 1].lambda * 1.0001);
  // A path whose best lies within stays as it is.
  EXPECT_EQ(whole.trials.size(), TrainOptions::default_lambdas().size());
}

TEST(Train, SaysThatNothingWasLearnt) {
  // Labels that have nothing to do with the features.
  Data data = make_data(200, 5, 3);
  for (size_t i = 0; i < data.labels.size(); ++i) {
    data.labels[i] = static_cast<int8_t>((i / 2 + i / 7) % 2);
  }
  TrainOptions options;
  options.lambdas = {1e-4, 1e-3};
  Heard heard;
  train(data.features, data.labels, data.groups, options, heard.context);
  EXPECT_TRUE(Heard::holds(heard.warnings, "no better than"));
  Heard good;
  const Data learnt = make_data(300, 20, 9);
  train(learnt.features, learnt.labels, learnt.groups, {}, good.context);
  EXPECT_TRUE(good.warnings.empty()) << good.warnings.front();
}

TEST(Train, SaysThatTheOptimiserStoppedAtItsLimit) {
  const Data data = make_data(300, 20, 9);
  TrainOptions options = with_lambda(1e-3);
  options.max_iterations = 2;
  Heard heard;
  train(data.features, data.labels, {}, options, heard.context);
  EXPECT_TRUE(Heard::holds(heard.warnings, "limit of 2 iterations"));
  options.lambda.reset();
  Heard crossed;
  train(data.features, data.labels, data.groups, options, crossed.context);
  EXPECT_TRUE(Heard::holds(crossed.warnings, "cross-validation: the optimiser stopped"));
  options.max_iterations = 500;
  Heard enough;
  train(data.features, data.labels, data.groups, options, enough.context);
  EXPECT_FALSE(Heard::holds(enough.warnings, "limit"));
}

TEST(Train, StopsWhenCancelled) {
  const Data data = make_data(50, 3, 1);
  const Context context;
  context.cancel.request();
  EXPECT_THROW(train(data.features, data.labels, data.groups, {}, context), Error);
}

// Rows around three corners, drawn with noise; six groups.
Data make_three(int n, int d, uint64_t seed) {
  Random random(seed);
  Data data;
  std::vector<float> values;
  for (int i = 0; i < n; ++i) {
    const int label = i % 3;
    for (int j = 0; j < d; ++j) {
      values.push_back(static_cast<float>(random.normal() + (j % 3 == label ? 1.5 : 0)));
    }
    data.labels.push_back(static_cast<int8_t>(label));
    data.groups.push_back(i / 3 % 6);
  }
  data.features = matrix(d, std::move(values));
  return data;
}

TEST(TrainMany, ThreePointsByHand) {
  // x = -1, 0, 1 of classes a, b, c are standardised to -s, 0, s with s = sqrt(3/2). By symmetry
  // w_a = -w_c, w_b = 0 and b_a = b_c; the minimum is where the slope is 0, worked out below from
  // the probabilities.
  const TrainResult trained = train_classifier(
      {matrix(1, {-1, 0, 1}), std::vector<int8_t>{0, 1, 2}, {}, kThree}, with_lambda(0.1), {});
  const LinearModel& model = trained.model;
  EXPECT_EQ(trained.class_rows, (std::vector<int64_t>{1, 1, 1}));
  ASSERT_EQ(model.weights.size(), 3u);
  ASSERT_EQ(model.biases.size(), 3u);
  EXPECT_NEAR(model.weights[0], -model.weights[2], 1e-7);
  EXPECT_NEAR(model.weights[1], 0, 1e-7);
  EXPECT_NEAR(model.biases[0], model.biases[2], 1e-7);
  // d/dw_c: sum over rows of (p_c - [is c]) x / 3 + lambda w_c = 0.
  const auto scores = score_patches(matrix(1, {-1, 0, 1}), model);
  const double s = std::sqrt(1.5);
  const double slope =
      (scores.row(0)[2] * -s + (scores.row(2)[2] - 1) * s) / 3 + 0.1 * model.weights[2];
  EXPECT_NEAR(slope, 0, 1e-6);
  for (int64_t i = 0; i < 3; ++i) {
    const auto row = scores.row(i);
    EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-6);
    EXPECT_EQ(scores.most_likely(i), i);
  }
}

// The objective written apart is the specification: no small step makes it less.
TEST(TrainMany, IsTheMinimumOfItsObjective) {
  const Data data = make_three(120, 4, 5);
  const LinearModel model =
      train_classifier({data.features, data.labels, {}, kThree}, with_lambda(0.05), {}).model;
  const auto objective = [&](const LinearModel& at) {
    double loss = 0, square = 0;
    for (int64_t i = 0; i < data.features.rows; ++i) {
      double z[3], sum = 0;
      for (size_t k = 0; k < 3; ++k) {
        z[k] = at.biases[k];
        for (size_t j = 0; j < 4; ++j) {
          z[k] += at.weights[4 * k + j] * (data.features.row(i)[j] - at.mean[j]) / at.scale[j];
        }
        sum += std::exp(z[k]);
      }
      loss += std::log(sum) - z[data.labels[static_cast<size_t>(i)]];
    }
    for (const double w : at.weights) square += w * w;
    return loss / double(data.features.rows) + 0.025 * square;
  };
  const double least = objective(model);
  for (size_t k = 0; k < 15; ++k) {
    for (const double step : {-1e-3, 1e-3}) {
      LinearModel moved = model;
      (k < 12 ? moved.weights[k] : moved.biases[k - 12]) += step;
      EXPECT_GT(objective(moved), least) << k;
    }
  }
}

TEST(TrainMany, GivesTheSameBitsForAnyThreadCount) {
  const Data data = make_three(180, 10, 7);
  Context context;
  const TrainingRows rows{data.features, data.labels, data.groups, kThree};
  const TrainResult one = train_classifier(rows, {}, context);
  EXPECT_EQ(one.trials.size(), 13u);
  EXPECT_EQ(one.folds, 5);
  for (const int threads : {2, 4}) {
    context.threads = threads;
    const TrainResult many = train_classifier(rows, {}, context);
    EXPECT_EQ(many.model.weights, one.model.weights);
    EXPECT_EQ(many.model.biases, one.model.biases);
  }
}

TEST(TrainMany, RefusesWhatCannotBeLearnt) {
  const auto message = [](const std::vector<int8_t>& labels, const ClassTable& classes) {
    try {
      train_classifier({matrix(1, {1, 2, 3}), labels, {}, classes}, with_lambda(1), {});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(message({0, 0, 2}, kThree),
            "no rows of class b: found 2 a, 0 b, 1 c; training needs rows of every class");
  EXPECT_EQ(message({0, 1, 3}, kThree), "row 2: found the label 3, expected 0 to 2 (a, b, c)");
  EXPECT_EQ(message({0, 1, -1}, kThree), "row 2: found the label -1, expected 0 to 2 (a, b, c)");
  EXPECT_NE(message({0, 1, 1}, ClassTable{{"a", "a"}}), "");
}

TEST(LinearModel, SaysWhatDoesNotFit) {
  LinearModel model{kThree, {1, 2, 3, 4, 5, 6}, {0, 0, 0}, {0, 0}, {1, 1}, {}, "s", 1};
  EXPECT_NO_THROW(model.validate());
  const auto broken = [&](const auto& change) {
    LinearModel other = model;
    change(other);
    EXPECT_THROW(other.validate(), Error);
  };
  broken([](LinearModel& m) { m.weights.pop_back(); });
  broken([](LinearModel& m) { m.biases.pop_back(); });
  broken([](LinearModel& m) { m.scale[0] = 0; });
  broken([](LinearModel& m) { m.mean[1] = std::nan(""); });
  broken([](LinearModel& m) { m.calibration.intercept = 1; });
  broken([](LinearModel& m) { m.classes = kTwo; });
}

TEST(MakeFolds, PutsLargeGroupsFirst) {
  // Sizes: group 5: 4, group 7: 3, group 1: 2, group 9: 1. Two folds: 5 | 7, then 1 to the lighter
  // (7's: 5), then 9 to 5's.
  const std::vector<int32_t> groups = {5, 5, 5, 5, 7, 7, 7, 1, 1, 9};
  EXPECT_EQ(make_folds(groups, 2), (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(make_folds(std::vector<int32_t>{3, 3}, 5), (std::vector<int32_t>{0, 0}));
  EXPECT_TRUE(make_folds({}, 5).empty());
}

TEST(Score, RefusesAnotherFeatureSpace) {
  LinearModel model;
  model.classes = kTwo;
  model.weights = {1};
  model.biases = {0};
  model.mean = {0};
  model.scale = {1};
  model.feature_space = "net/0/8px@2mpp";
  EXPECT_THROW(score_patches(matrix(1, {1}), model), Error);
  model.feature_space = "net/0/8px@1.03mpp";
  EXPECT_NO_THROW(score_patches(matrix(1, {1}), model));
  model.calibration = {2, 0.5};
  // z = 1, calibrated 2 * 1 + 0.5.
  EXPECT_NEAR(score_patches(matrix(1, {1}), model).values[1], 1 / (1 + std::exp(-2.5)), 1e-7);
  model.weights = model.mean = model.scale = {1, 2};
  EXPECT_THROW(score_patches(matrix(1, {1}), model), Error);
}

}  // namespace
}  // namespace lamella::classifier
