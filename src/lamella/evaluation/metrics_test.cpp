// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/random.h"

namespace lamella::evaluation {
namespace {

using Scores = std::vector<float>;
using Labels = std::vector<int8_t>;

TEST(Metrics, SmallCaseByHand) {
  // Positives 0.9, 0.6; negatives 0.7, 0.2, 0.1.
  // Pairs won by the positive: 0.9 beats 3, 0.6 beats 2: AUC = 5/6.
  // Ranked: 0.9+ 0.7- 0.6+ 0.2- 0.1-: AP = (1/1 + 2/3) / 2 = 5/6.
  // At 0.5: 0.9 right, 0.6 right, 0.7 wrong, 0.2 and 0.1 right: 4/5; balanced (1 + 2/3) / 2.
  // Brier: (0.01 + 0.16 + 0.49 + 0.04 + 0.01) / 5 = 0.142.
  const Metrics m = evaluate(Scores{0.9f, 0.6f, 0.7f, 0.2f, 0.1f}, Labels{1, 1, 0, 0, 0});
  EXPECT_EQ(m.n, 5);
  EXPECT_EQ(m.n_positive, 2);
  EXPECT_NEAR(*m.auc, 5.0 / 6, 1e-12);
  EXPECT_NEAR(*m.average_precision, 5.0 / 6, 1e-12);
  EXPECT_NEAR(*m.accuracy, 0.8, 1e-12);
  EXPECT_NEAR(*m.balanced_accuracy, 5.0 / 6, 1e-12);
  EXPECT_NEAR(*m.brier, 0.142, 1e-7);
  // DeLong: V10 = {1, 2/3}, variance 1/18; V01 = {1/2 (0.7), 1, 1}, variance 1/12.
  // Var(AUC) = (1/18)/2 + (1/12)/3 = 1/36 + 1/36 = 1/18.
  EXPECT_NEAR(*m.auc_low, 5.0 / 6 - 1.959963984540054 * std::sqrt(1.0 / 18), 1e-12);
  EXPECT_EQ(*m.auc_high, 1.0);  // clipped
}

TEST(Metrics, TiesCountHalf) {
  // Positives 0.5, 0.5; negatives 0.5, 0.2: pairs 0.5 + 1 + 0.5 + 1 = 3 of 4.
  const Metrics m = evaluate(Scores{0.5f, 0.5f, 0.5f, 0.2f}, Labels{1, 1, 0, 0});
  EXPECT_NEAR(*m.auc, 0.75, 1e-12);
  // Thresholds 0.5 (2 hits of 3) and 0.2: AP = 1 * 2/3.
  EXPECT_NEAR(*m.average_precision, 2.0 / 3, 1e-12);
  // All tied: chance.
  EXPECT_NEAR(*evaluate(Scores{0.3f, 0.3f, 0.3f}, Labels{1, 0, 0}).auc, 0.5, 1e-12);
}

TEST(Metrics, PerfectAndReversed) {
  const Metrics perfect = evaluate(Scores{1.0f, 0.9f, 0.1f, 0.0f}, Labels{1, 1, 0, 0});
  EXPECT_EQ(*perfect.auc, 1);
  EXPECT_EQ(*perfect.auc_low, 1);  // no variance is left
  EXPECT_EQ(*perfect.auc_high, 1);
  EXPECT_EQ(*perfect.average_precision, 1);
  EXPECT_EQ(*perfect.accuracy, 1);
  const Metrics reversed = evaluate(Scores{0.0f, 1.0f}, Labels{1, 0});
  EXPECT_EQ(*reversed.auc, 0);
  EXPECT_EQ(*reversed.brier, 1);
  EXPECT_EQ(*reversed.ece, 1);
  EXPECT_EQ(*reversed.accuracy, 0);
}

TEST(Metrics, EceByHand) {
  // Bins of width 1/15. 0.52 and 0.53 share bin 7 (0.4667-0.5333): mean 0.525, half positive.
  // 1.0 falls into the last bin: |1 - 0| for the one negative there.
  // ECE = (|1.05 - 1| + |1.0 - 0|) / 3 = 1.05 / 3 = 0.35.
  const Metrics m = evaluate(Scores{0.52f, 0.53f, 1.0f}, Labels{1, 0, 0});
  EXPECT_NEAR(*m.ece, 0.35, 1e-7);
  // Right on average in a bin: no error. 0.5 x 4, half positive.
  EXPECT_NEAR(*evaluate(Scores{0.5f, 0.5f, 0.5f, 0.5f}, Labels{1, 1, 0, 0}).ece, 0, 1e-12);
}

TEST(Metrics, OneClassGivesWhatItCan) {
  const Metrics m = evaluate(Scores{0.9f, 0.4f}, Labels{1, 1});
  EXPECT_FALSE(m.auc);
  EXPECT_FALSE(m.auc_low);
  EXPECT_FALSE(m.balanced_accuracy);
  EXPECT_EQ(*m.average_precision, 1);
  EXPECT_EQ(*m.accuracy, 0.5);
  const Metrics negatives = evaluate(Scores{0.9f, 0.4f}, Labels{0, 0});
  EXPECT_FALSE(negatives.average_precision);
  EXPECT_EQ(*negatives.accuracy, 0.5);
}

TEST(Metrics, EmptyGivesNothing) {
  const Metrics m = evaluate(Scores{}, Labels{});
  EXPECT_EQ(m.n, 0);
  EXPECT_FALSE(m.auc || m.average_precision || m.accuracy || m.brier || m.ece);
}

TEST(Metrics, RefusesWhatIsNoProbability) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(evaluate(Scores{nan}, Labels{1}), Error);
  EXPECT_THROW(evaluate(Scores{1.01f}, Labels{1}), Error);
  EXPECT_THROW(evaluate(Scores{0.5f}, Labels{2}), Error);
  EXPECT_THROW(evaluate(Scores{0.5f, 0.5f}, Labels{1}), Error);
}

TEST(Metrics, MidranksAgreeWithAllPairs) {
  // The specification: DeLong's structural components by counting every pair.
  Random random(11);
  Scores scores;
  Labels labels;
  for (int i = 0; i < 300; ++i) {
    labels.push_back(static_cast<int8_t>(random.below(3) == 0));
    // A coarse grid makes many ties.
    scores.push_back(static_cast<float>(random.below(20) + 4 * labels.back()) / 24.0f);
  }
  std::vector<float> x, y;
  for (size_t i = 0; i < scores.size(); ++i) (labels[i] ? x : y).push_back(scores[i]);
  const auto wins = [](float a, float b) { return a > b ? 1.0 : a == b ? 0.5 : 0.0; };
  const auto moments = [](const std::vector<double>& v) {
    double mean = 0, sum = 0;
    for (const double value : v) mean += value / static_cast<double>(v.size());
    for (const double value : v) sum += (value - mean) * (value - mean);
    return std::pair(mean, sum / static_cast<double>(v.size() - 1));
  };
  std::vector<double> v10(x.size(), 0), v01(y.size(), 0);
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < y.size(); ++j) {
      v10[i] += wins(x[i], y[j]) / static_cast<double>(y.size());
      v01[j] += wins(x[i], y[j]) / static_cast<double>(x.size());
    }
  }
  const auto [auc, var10] = moments(v10);
  const double var01 = moments(v01).second;
  const double half = 1.959963984540054 * std::sqrt(var10 / static_cast<double>(x.size()) +
                                                    var01 / static_cast<double>(y.size()));
  const Metrics m = evaluate(scores, labels);
  EXPECT_NEAR(*m.auc, auc, 1e-12);
  EXPECT_NEAR(*m.auc_low, auc - half, 1e-12);
  EXPECT_NEAR(*m.auc_high, auc + half, 1e-12);
}

}  // namespace
}  // namespace lamella::evaluation
