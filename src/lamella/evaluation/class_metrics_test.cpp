// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/class_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lamella/base/error.h"

namespace lamella::evaluation {
namespace {

using Labels = std::vector<int8_t>;

const ClassTable kThree{{"a", "b", "c"}};

TEST(ClassMetrics, SmallCaseByHand) {
  // Row 0 (a): a. Row 1 (a): b is likelier. Row 2 (b): b. Row 3 (c): c.
  const feature::ScoreMatrix scores{kThree,
                                    {0.5f, 0.25f, 0.25f,  //
                                     0.25f, 0.5f, 0.25f,  //
                                     0.125f, 0.75f, 0.125f, 0.25f, 0.25f, 0.5f}};
  const ClassMetrics m = evaluate_classes(scores, Labels{0, 0, 1, 2});
  EXPECT_EQ(m.n, 4);
  EXPECT_EQ(m.confusion, (std::vector<std::vector<int64_t>>{{1, 1, 0}, {0, 1, 0}, {0, 0, 1}}));
  EXPECT_DOUBLE_EQ(*m.accuracy, 0.75);
  EXPECT_NEAR(*m.log_loss, -(std::log(0.5) + std::log(0.25) + std::log(0.75) + std::log(0.5)) / 4,
              1e-12);
  // a: positives 0.5, 0.25; negatives 0.125, 0.25: 1 + 1 + 1 + 1/2 of 4. b and c: all won.
  EXPECT_DOUBLE_EQ(*m.per_class[0].auc, 3.5 / 4);
  EXPECT_DOUBLE_EQ(*m.per_class[1].auc, 1);
  EXPECT_DOUBLE_EQ(*m.per_class[2].auc, 1);
  EXPECT_DOUBLE_EQ(*m.macro_auc, (3.5 / 4 + 2) / 3);
  EXPECT_EQ(m.per_class[0].n_positive, 2);
  EXPECT_EQ(m.last().n_positive, 1);
}

TEST(ClassMetrics, OfTwoClassesAreTheOldOnes) {
  const std::vector<float> second = {0.9f, 0.6f, 0.7f, 0.2f, 0.1f};
  const Labels labels = {1, 1, 0, 0, 0};
  feature::ScoreMatrix scores{{{"no", "yes"}}, {}};
  for (const float p : second) scores.values.insert(scores.values.end(), {1 - p, p});
  const ClassMetrics m = evaluate_classes(scores, labels);
  const Metrics plain = evaluate(second, labels);
  EXPECT_EQ(m.last().auc, plain.auc);
  EXPECT_EQ(m.last().auc_low, plain.auc_low);
  EXPECT_EQ(m.last().brier, plain.brier);
  EXPECT_EQ(m.last().ece, plain.ece);
  EXPECT_EQ(m.macro_auc, plain.auc);
  EXPECT_EQ(m.accuracy, plain.accuracy);
}

TEST(ClassMetrics, AClassThatIsNotThere) {
  const feature::ScoreMatrix scores{kThree, {0.5f, 0.25f, 0.25f, 0, 1, 0}};
  const ClassMetrics m = evaluate_classes(scores, Labels{0, 0});
  EXPECT_FALSE(m.macro_auc);
  EXPECT_FALSE(m.per_class[2].auc);
  EXPECT_NEAR(*m.log_loss,
              -(std::log(0.5) + std::log(double(std::numeric_limits<float>::epsilon()))) / 2, 1e-9)
      << "a probability of 0 is no infinite loss";
  EXPECT_FALSE(evaluate_classes({kThree, {}}, Labels{}).log_loss);
}

TEST(ClassMetrics, RefusesWhatDoesNotFit) {
  EXPECT_THROW(evaluate_classes({kThree, {0.5f, 0.5f}}, Labels{0}), Error);
  EXPECT_THROW(evaluate_classes({kThree, {0.5f, 0.5f, 0}}, Labels{3}), Error);
  EXPECT_THROW(evaluate_classes({kThree, {0.5f, 1.5f, 0}}, Labels{0}), Error);
  EXPECT_THROW(evaluate_classes({{}, {}}, Labels{}), Error);
}

}  // namespace
}  // namespace lamella::evaluation
