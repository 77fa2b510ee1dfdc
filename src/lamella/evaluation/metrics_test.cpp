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
  // logit 5/6 = log 5; the deviation there is sqrt(1/18) / (5/6 * 1/6).
  const double half = 1.959963984540054 * std::sqrt(1.0 / 18) * 36 / 5;
  EXPECT_NEAR(*m.auc_independent_low, 1 / (1 + std::exp(half) / 5), 1e-12);
  EXPECT_NEAR(*m.auc_independent_high, 1 / (1 + std::exp(-half) / 5), 1e-12);
  EXPECT_FALSE(m.auc_low) << "nothing is known of patients";
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
  // The interval of DeLong on the logit scale: the deviation divided by a (1 - a).
  const double z = std::log(auc / (1 - auc)), width = half / (auc * (1 - auc));
  EXPECT_NEAR(*m.auc_independent_low, 1 / (1 + std::exp(-(z - width))), 1e-12);
  EXPECT_NEAR(*m.auc_independent_high, 1 / (1 + std::exp(-(z + width))), 1e-12);
}

TEST(Metrics, PartsAtThresholdsByHand) {
  // Two of three positives above every negative but one: 20 negatives, one at 0.8.
  Scores scores = {0.9f, 0.85f, 0.3f, 0.8f};
  Labels labels = {1, 1, 1, 0};
  for (int i = 0; i < 19; ++i) {
    scores.push_back(0.4f);
    labels.push_back(0);
  }
  const Metrics m = evaluate(scores, labels, {0.8f, 0.3f});
  // One of 20 negatives may be called: at 0.8 both positives and that one are.
  EXPECT_DOUBLE_EQ(*m.sensitivity_at_95_specificity, 2.0 / 3);
  // All three positives are wanted: at 0.3 every negative is called, too.
  EXPECT_DOUBLE_EQ(*m.specificity_at_95_sensitivity, 0);
  // At 0.8: 2 right positives, 19 right negatives of 23.
  EXPECT_DOUBLE_EQ(*m.accuracy_at_threshold, 21.0 / 23);
  // At 0.3 all are called: 2 * 3 / (23 + 3).
  EXPECT_DOUBLE_EQ(*m.f1_at_threshold, 6.0 / 26);
  EXPECT_FALSE(evaluate(scores, labels).accuracy_at_threshold) << "no fold defines a threshold";
}

TEST(Metrics, ThresholdsAreTheBestOfTheHeldOutRows) {
  // At 0.9: 1 of 3 positives, 0 of 2 negatives: 3 right, F1 2/4. At 0.7: 4 right, F1 4/5. At 0.6:
  // 3 right, 4/6. At 0.4: 4 right, F1 6/7. Of equal ones the highest.
  const Thresholds best =
      choose_thresholds(Scores{0.9f, 0.7f, 0.6f, 0.4f, 0.1f}, Labels{1, 1, 0, 1, 0});
  EXPECT_FLOAT_EQ(static_cast<float>(*best.accuracy), 0.7f);
  EXPECT_FLOAT_EQ(static_cast<float>(*best.f1), 0.4f);
  EXPECT_EQ(choose_thresholds(Scores{0.9f, 0.7f}, Labels{1, 1}), Thresholds{});
}

TEST(Metrics, CalibrationByHand) {
  // Two score values: 0.25 of which half are positive, 0.75 of which 3/4 are. The regression goes
  // through both points: logit 1/2 = 0 at -log 3, logit 3/4 = log 3 at log 3.
  Scores scores;
  Labels labels;
  for (int i = 0; i < 8; ++i) {
    scores.push_back(i < 4 ? 0.25f : 0.75f);
    labels.push_back(i == 0 || i == 1 || i > 4);
  }
  const Metrics m = evaluate(scores, labels);
  EXPECT_NEAR(*m.calibration_slope, 0.5, 1e-9);
  EXPECT_NEAR(*m.calibration_intercept, 0.5 * std::log(3), 1e-9);
  // Slope 1: 4 / (1 + 3 t) + 4 * 3 / (3 + t) = 5 where t = exp(-a).
  const double t = std::exp(-*m.calibration_in_the_large);
  EXPECT_NEAR(4 / (1 + 3 * t) + 12 / (3 + t), 5, 1e-9);
  EXPECT_NEAR(*m.log_loss,
              -(2 * std::log(0.25) + 2 * std::log(0.75) + 3 * std::log(0.75) + std::log(0.25)) / 8,
              1e-9);
  // Variance in each bin: 4 * 0.1875; sqrt(2 / pi * 0.75), twice, over 8.
  EXPECT_NEAR(*m.ece_floor, 2 * std::sqrt(2 / 3.14159265358979 * 0.75) / 8, 1e-9);
}

TEST(Metrics, PartedClassesHaveNoSlopeAndNoInterval) {
  const Metrics m = evaluate(Scores{0.1f, 0.2f, 0.8f, 0.9f}, Labels{0, 0, 1, 1});
  EXPECT_EQ(*m.auc, 1);
  EXPECT_FALSE(m.calibration_slope);
  EXPECT_TRUE(m.calibration_in_the_large);
  EXPECT_FALSE(m.auc_independent_low);
  const Metrics certain = evaluate(Scores{0.0f, 0.0f, 1.0f, 1.0f}, Labels{0, 1, 1, 0});
  EXPECT_TRUE(certain.calibration_slope) << "0 and 1 are kept from infinity";
}

}  // namespace
}  // namespace lamella::evaluation
