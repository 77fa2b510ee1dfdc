// SPDX-License-Identifier: Apache-2.0
#include "lamella/classifier/nearest_rows.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lamella/base/error.h"

namespace lamella::classifier {
namespace {

feature::FeatureMatrix rows_of(std::vector<float> values) {
  feature::FeatureMatrix rows;
  rows.columns = 2;
  rows.rows = static_cast<int64_t>(values.size()) / 2;
  rows.values = std::move(values);
  return rows;
}

LinearModel model_of() {
  LinearModel model;
  model.mean = {10, 0};
  model.scale = {2, 1};
  return model;
}

TEST(NearestRows, MeasuresToTheFifthNearestOfOtherGroups) {
  // Standardised: five rows to the right, of length 1 and 3, and five upwards.
  const feature::FeatureMatrix right = rows_of({12, 0, 12, 0, 16, 0, 12, 0, 12, 0});
  const feature::FeatureMatrix up = rows_of({10, 1, 10, 2, 10, 1, 10, 1, 10, 1});
  const NearestRows nearest(model_of(), {{&right, 0}, {&up, 1}});
  EXPECT_NEAR(*nearest.distance(right), 0, 1e-6);
  // Held out, what is left stands at right angles: the distance of unit vectors is the root of 2.
  EXPECT_NEAR(*nearest.distance(right, 0), std::sqrt(2), 1e-6);
  // To the left: turned around from the right ones, at right angles to those upwards.
  EXPECT_NEAR(*nearest.distance(rows_of({8, 0}), 1), 2, 1e-6);
  EXPECT_NEAR(*nearest.distance(rows_of({8, 0})), std::sqrt(2), 1e-6);
  // The median of one row at 0 and two at the root of 2 - 2 cos 45 degrees.
  EXPECT_NEAR(*nearest.distance(rows_of({12, 0, 12, 1, 12, 1})), std::sqrt(2 - std::sqrt(2)), 1e-6);
  EXPECT_FALSE(nearest.distance(rows_of({})));
  EXPECT_FALSE(NearestRows(model_of(), {{&right, 0}}).distance(right, 0));
  feature::FeatureMatrix three = right;
  three.columns = 5;
  three.rows = 2;
  EXPECT_THROW(nearest.distance(three), Error);
}

TEST(NearestRows, TheLimitIsFarFromWhatWasHeldOut) {
  EXPECT_FALSE(usual_limit({1, 1, 1, 1}));
  // Median 1.2, deviations 0.2 0.1 0 0.1 0.2: their median is 0.1.
  EXPECT_NEAR(*usual_limit({1.0, 1.1, 1.2, 1.3, 1.4}), 1.2 + 5 * 1.4826 * 0.1, 1e-12);
  // Never below one of them.
  EXPECT_NEAR(*usual_limit({1, 1, 1, 1, 1, 1.5}), 1.5, 1e-12);
}

}  // namespace
}  // namespace lamella::classifier
