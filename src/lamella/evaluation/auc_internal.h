// SPDX-License-Identifier: Apache-2.0
// Intervals of the AUC by formulas.
#pragma once

#include <optional>
#include <span>

#include "lamella/evaluation/clusters.h"
#include "lamella/evaluation/metrics.h"

namespace lamella::evaluation {

// AUC and its variance by DeLong, DeLong and Clarke-Pearson (Biometrics 1988), by mid-ranks after
// Sun and Xu (IEEE Signal Processing Letters 2014), as if rows were independent; the interval on
// the logit scale. Sets auc, auc_independent_low and _high where both classes are there; no
// interval where the classes are parted wholly, since the variance is then 0.
void fill_auc(Metrics& metrics, std::span<const float> scores, std::span<const int8_t> labels);

// What the clusters say of the spread of a figure.
struct ClusterSpread {
  double variance = 0;
  double freedom = 0;  // degrees of freedom of the t that its interval takes
};

// Variance of the AUC of clustered rows by Obuchowski (Biometrics 1997, 53: 567). Freedom: see
// freedom_of.
ClusterSpread obuchowski(std::span<const float> scores, std::span<const int8_t> labels,
                         const Clusters& clusters);

// Degrees of freedom for a figure whose value changes by `influence` (up to a factor) with each
// cluster: the geometric mean of the number of clusters that the rarer side has, less 1, and of
// that which the fourth moment of the influences stands for, less 1 (a few clusters may carry a
// figure alone). At least 1.
double freedom_of(std::span<const double> influence, int64_t rarer_side);

}  // namespace lamella::evaluation
