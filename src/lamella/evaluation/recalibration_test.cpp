// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/recalibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/evaluation/simulated_scores_internal.h"

namespace lamella::evaluation {
namespace {

using Labels = std::vector<int8_t>;

TEST(Recalibration, OfTwoClassesByHand) {
  // 0.25 of which half are b, 0.75 of which three quarters are: through both points, as in
  // Metrics.CalibrationByHand.
  const Recalibration made =
      fit_recalibration(two({0.25f, 0.25f, 0.25f, 0.25f, 0.75f, 0.75f, 0.75f, 0.75f}),
                        Labels{1, 1, 0, 0, 1, 1, 1, 0});
  EXPECT_NEAR(made.slope, 0.5, 1e-7);
  EXPECT_NEAR(made.intercept, 0.5 * std::log(3), 1e-7);
  EXPECT_LT(made.log_loss_after, made.log_loss_before);
}

TEST(Recalibration, OfThreeClassesByHand) {
  // p = (4, 1, 1) / 6 for the row's class in one of two rows: the best slope makes it half:
  // 4^s / (4^s + 2) = 1/2, so 4^s = 2.
  feature::ScoreMatrix scores{{{"a", "b", "c"}}, {}};
  for (int i = 0; i < 4; ++i) {
    for (const float p : {4.0f, 1.0f, 1.0f}) scores.values.push_back(p / 6);
  }
  const Recalibration made = fit_recalibration(scores, Labels{0, 0, 1, 2});
  EXPECT_NEAR(made.slope, 0.5, 1e-6);
  EXPECT_EQ(made.intercept, 0);
  EXPECT_NEAR(made.log_loss_after, 0.5 * std::log(2) + 0.5 * std::log(4), 1e-6);
}

TEST(Recalibration, RefusesWhatHasNoBest) {
  EXPECT_THROW(fit_recalibration(two({}), Labels{}), Error);
  EXPECT_THROW(fit_recalibration(two({0.2f, 0.8f}), Labels{1, 1}), Error);
  EXPECT_THROW(fit_recalibration(two({0.2f, 0.8f}), Labels{0, 1}), Error) << "parted wholly";
  EXPECT_THROW(fit_recalibration(two({0.2f, 0.8f, 0.3f, 0.7f}), Labels{1, 0, 0, 0}), Error)
      << "the reverse";
}

}  // namespace
}  // namespace lamella::evaluation
