// SPDX-License-Identifier: Apache-2.0
// Rows that are trained on where they lie, beside the plain version on copies.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/classifier/row_kernels_internal.h"
#include "lamella/classifier/streamed_rows_internal.h"

namespace lamella::classifier {
namespace {

TEST(RowKernels, AreTheSameBitsOnEveryProcessor) {
  Random random(3);
  for (int64_t d = 1; d <= 40; ++d) {
    std::vector<std::vector<float>> rows(4);
    std::vector<double> v, g;
    FourRows x;
    for (size_t k = 0; k < rows.size(); ++k) {
      for (int64_t j = 0; j < d; ++j) rows[k].push_back(static_cast<float>(random.normal()));
      x[k] = rows[k].data();
    }
    for (int64_t j = 0; j < d; ++j) {
      v.push_back(random.normal());
      g.push_back(random.normal());
    }
    const FourNumbers fast = row_kernels().dots(x, v.data(), d);
    EXPECT_EQ(fast, plain_kernels().dots(x, v.data(), d)) << d;
    for (size_t k = 0; k < rows.size(); ++k) {
      double sum = 0;
      for (size_t j = 0; j < v.size(); ++j) sum += static_cast<double>(rows[k][j]) * v[j];
      EXPECT_NEAR(fast[k], sum, 1e-12);
    }
    std::vector<double> one = g, other = g;
    row_kernels().add(x, fast, one.data(), d);
    plain_kernels().add(x, fast, other.data(), d);
    EXPECT_EQ(one, other) << d;
    for (size_t j = 0; j < g.size(); ++j) {
      double sum = g[j];
      for (size_t k = 0; k < rows.size(); ++k) sum += static_cast<double>(rows[k][j]) * fast[k];
      EXPECT_NEAR(one[j], sum, 1e-12);
    }
  }
}

// The float16 that is this number; there must be one.
uint16_t half_of(float value) {
  static const std::map<float, uint16_t> kAll = [] {
    std::map<float, uint16_t> all;
    for (uint16_t bits = 0; bits < 0x7c00; ++bits) {
      for (const int sign : {0, 0x8000}) {
        const auto half = static_cast<uint16_t>(bits | sign);
        float number = 0;
        feature::floats_of(std::span(&half, 1), &number);
        all[number] = half;
      }
    }
    return all;
  }();
  return kAll.at(value);
}

struct Data {
  feature::FeatureMatrix floats;
  feature::HalfMatrix halves;  // the same numbers
  std::vector<int8_t> labels;
  std::vector<int32_t> groups;
  ClassTable classes;
};

// Column 3 is constant, the others lie far from 0 beside their spread.
Data make_data(int n, int d, int classes) {
  Random random(23);
  Data data;
  for (int k = 0; k < classes; ++k) data.classes.names.push_back("c" + std::to_string(k));
  data.floats.rows = data.halves.rows = n;
  data.floats.columns = data.halves.columns = d;
  data.floats.feature_space = data.halves.feature_space = "net/0/8px@1mpp";
  for (int i = 0; i < n; ++i) {
    data.labels.push_back(static_cast<int8_t>(i % classes));
    data.groups.push_back(i % 7);
    for (int j = 0; j < d; ++j) {
      const double shift = j < classes && j == i % classes ? 0.8 : 0;
      const double value = j == 3 ? 5.25 : 10 + shift + random.normal();
      // Multiples of 1/64 below 32 are numbers of float16.
      const auto exact = static_cast<float>(std::round(std::clamp(value, 0.0, 31.0) * 64) / 64);
      data.floats.values.push_back(exact);
      data.halves.values.push_back(half_of(exact));
    }
  }
  return data;
}

RowSet all_rows(const Data& data) {
  RowSet rows;
  for (size_t i = 0; i < data.labels.size(); ++i) {
    rows.add(static_cast<int64_t>(i), data.labels[i]);
  }
  return rows;
}

TEST(StreamedRows, LossAndSlopeAreThoseOfCopies) {
  for (const int classes : {2, 3}) {
    const Data data = make_data(203, 13, classes);
    const RowSet rows = all_rows(data);
    const Standardisation plain = fit_standardisation(data.floats, rows.index);
    const Standardisation made = fit_standardisation_streamed(data.halves, rows.index, 2);
    EXPECT_LT((plain.mean - made.mean).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_LT((plain.scale - made.scale).cwiseAbs().maxCoeff(), 1e-12);
    EXPECT_TRUE(made.constant(3));
    EXPECT_FALSE(made.constant(4));

    const Matrix x = standardise(data.floats, rows.index, plain);
    const StreamedRows streamed(data.halves, rows, classes, made, 2);
    const int vectors = classes == 2 ? 1 : classes;
    Random random(5);
    Eigen::VectorXd weights(vectors * 14), slope(vectors * 14);
    for (double& w : weights) w = random.normal() / 4;
    const double loss = streamed.mean_loss(weights.data(), slope.data());
    EXPECT_NEAR(loss, log_loss_sum({x, rows.labels, classes}, weights) / 203, 1e-12);
    EXPECT_NEAR(streamed.loss_sum(weights.data()), loss * 203, 1e-9);
    const std::vector<float> p = streamed.probabilities(weights.data());
    const std::vector<float> same = probabilities(x, classes, weights);
    ASSERT_EQ(p.size(), same.size());
    for (size_t k = 0; k < p.size(); ++k) EXPECT_NEAR(p[k], same[k], 1e-6);
    for (Eigen::Index k = 0; k < weights.size(); ++k) {  // by differences
      const double step = 1e-6, at = weights[k];
      weights[k] = at + step;
      const double more = log_loss_sum({x, rows.labels, classes}, weights);
      weights[k] = at - step;
      const double less = log_loss_sum({x, rows.labels, classes}, weights);
      weights[k] = at;
      EXPECT_NEAR(slope[k], (more - less) / (2 * step) / 203, 1e-8) << k;
    }
    Eigen::VectorXd again(slope.size());
    for (const int threads : {1, 3, 8}) {
      const StreamedRows other(data.halves, rows, classes, made, threads);
      EXPECT_EQ(other.mean_loss(weights.data(), again.data()), loss);
      EXPECT_EQ(again, slope);
      EXPECT_EQ(fit_standardisation_streamed(data.halves, rows.index, threads).scale, made.scale);
    }
  }
}

TEST(StreamedRows, TrainToTheSameOptimum) {
  for (const int classes : {2, 3}) {
    for (const double l1_ratio : {0.0, 0.5}) {
      const Data data = make_data(420, 11, classes);
      TrainOptions options;
      options.l1_ratio = l1_ratio;
      options.lambdas = {1e-3, 1e-2, 1e-1};
      const TrainResult copied =
          train_classifier({data.floats, data.labels, data.groups, data.classes}, options, {});
      Context two;
      two.threads = 2;
      const TrainResult streamed =
          train_classifier({data.halves, data.labels, data.groups, data.classes}, options, two);
      const TrainResult one =
          train_classifier({data.halves, data.labels, data.groups, data.classes}, options, {});
      EXPECT_EQ(streamed.model.weights, one.model.weights) << "for any number of threads";
      EXPECT_EQ(streamed.held_out.scores.values, one.held_out.scores.values);
      EXPECT_EQ(streamed.model.lambda, copied.model.lambda);
      EXPECT_EQ(streamed.held_out.rows, copied.held_out.rows);
      ASSERT_EQ(streamed.trials.size(), copied.trials.size());
      for (size_t k = 0; k < copied.trials.size(); ++k) {
        EXPECT_NEAR(streamed.trials[k].mean_log_loss, copied.trials[k].mean_log_loss, 1e-6);
      }
      for (size_t k = 0; k < copied.model.weights.size(); ++k) {
        EXPECT_NEAR(streamed.model.weights[k], copied.model.weights[k], 2e-5) << k;
        if (k % 11 == 3) {
          EXPECT_EQ(streamed.model.weights[k], 0) << "constant";
        }
      }
      for (size_t k = 0; k < copied.model.biases.size(); ++k) {
        EXPECT_NEAR(streamed.model.biases[k], copied.model.biases[k], 2e-5);
      }
    }
  }
}

TEST(StreamedRows, OfPartedClassesHaveFiniteWeights) {
  Data data = make_data(60, 4, 2);
  for (size_t i = 0; i < data.labels.size(); ++i) {
    data.halves.values[i * 4] = half_of(data.labels[i] ? 4.0f : -4.0f);
  }
  TrainOptions options;
  options.lambda = 1e-4;
  const TrainResult made =
      train_classifier({data.halves, data.labels, data.groups, data.classes}, options, {});
  for (const double w : made.model.weights) EXPECT_TRUE(std::isfinite(w));
  EXPECT_GT(made.model.weights[0], 1);
}

TEST(StreamedRows, AreRefusedWithWhatIsNoNumber) {
  Data data = make_data(40, 4, 2);
  data.halves.values[4 * 7 + 2] = 0x7e00;
  try {
    train_classifier({data.halves, data.labels, data.groups, data.classes}, {}, {});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("row 7, column 2"), std::string::npos);
  }
}

TEST(StreamedRows, AreThoseOfFloat16AndOfMany) {
  feature::HalfMatrix halves{1, 1, {0}, "s"};
  feature::FeatureMatrix floats;
  floats.columns = 1024;
  floats.rows = 65536;  // 2^26 numbers, of which none is looked at
  EXPECT_TRUE(is_streamed(halves));
  EXPECT_FALSE(is_streamed(floats));
  ++floats.rows;
  EXPECT_TRUE(is_streamed(floats));
}

}  // namespace
}  // namespace lamella::classifier
