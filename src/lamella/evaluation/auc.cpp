// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "lamella/evaluation/auc_internal.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

namespace {

constexpr double kNormal975 = 1.959963984540054;  // 97.5 % quantile of the standard normal

// Ranks from 1, tied values get the mean of their ranks.
std::vector<double> midranks(const std::vector<float>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const double rank = 0.5 * static_cast<double>(first + 1 + last);
    for (size_t k = first; k < last; ++k) ranks[order[k]] = rank;
    first = last;
  }
  return ranks;
}

// Unbiased variance; 0 for fewer than two values.
double variance(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / (n - 1);
}

}  // namespace

void fill_auc(Metrics& metrics, std::span<const float> scores, std::span<const int8_t> labels) {
  std::vector<float> positive, negative;
  for (size_t i = 0; i < scores.size(); ++i) (labels[i] ? positive : negative).push_back(scores[i]);
  if (positive.empty() || negative.empty()) return;
  std::vector<float> all = positive;
  all.insert(all.end(), negative.begin(), negative.end());
  const std::vector<double> rank_all = midranks(all);
  const std::vector<double> rank_positive = midranks(positive);
  const std::vector<double> rank_negative = midranks(negative);
  const auto m = static_cast<double>(positive.size());
  const auto n = static_cast<double>(negative.size());

  // For each positive the fraction of negatives below it, and the other way round.
  std::vector<double> v10(positive.size()), v01(negative.size());
  for (size_t i = 0; i < positive.size(); ++i) v10[i] = (rank_all[i] - rank_positive[i]) / n;
  for (size_t j = 0; j < negative.size(); ++j) {
    v01[j] = 1 - (rank_all[positive.size() + j] - rank_negative[j]) / m;
  }
  const double auc = std::accumulate(v10.begin(), v10.end(), 0.0) / m;
  metrics.auc = auc;
  const double deviation = std::sqrt(variance(v10) / m + variance(v01) / n);
  if (!(auc > 0 && auc < 1 && deviation > 0)) return;
  const double half = kNormal975 * deviation / (auc * (1 - auc));
  metrics.auc_independent_low = expit(logit(auc, 0) - half);
  metrics.auc_independent_high = expit(logit(auc, 0) + half);
}

double freedom_of(std::span<const double> influence, int64_t rarer_side) {
  double second = 0, fourth = 0;
  for (const double value : influence) {
    second += value * value;
    fourth += value * value * value * value;
  }
  const double carried = fourth > 0 ? second * second / fourth - 1 : 0;
  return std::max(
      1.0, std::sqrt(std::max(1.0, carried) * std::max(1.0, static_cast<double>(rarer_side - 1))));
}

ClusterSpread obuchowski(std::span<const float> scores, std::span<const int8_t> labels,
                         const Clusters& clusters) {
  const std::vector<double> won = shares_won(rank_rows(scores, labels));
  const auto count = static_cast<size_t>(clusters.count);
  std::vector<double> positive_won(count), negative_won(count), positives(count), negatives(count);
  double m = 0, n = 0, auc = 0;
  for (size_t i = 0; i < won.size(); ++i) {
    const auto cluster = static_cast<size_t>(clusters.of_row[i]);
    (labels[i] ? positive_won : negative_won)[cluster] += won[i];
    (labels[i] ? positives : negatives)[cluster] += 1;
    (labels[i] ? m : n) += 1;
    if (labels[i]) auc += won[i];
  }
  auc /= m;
  double s10 = 0, s01 = 0, s11 = 0;
  int64_t with_positives = 0, with_negatives = 0, with_rows = 0;
  std::vector<double> influence(count);
  for (size_t k = 0; k < count; ++k) {
    const double a = (positive_won[k] - positives[k] * auc) / m;
    const double b = (negative_won[k] - negatives[k] * auc) / n;
    s10 += a * a;
    s01 += b * b;
    s11 += a * b;
    influence[k] = a + b;
    with_positives += positives[k] > 0;
    with_negatives += negatives[k] > 0;
    with_rows += positives[k] + negatives[k] > 0;
  }
  const auto unbiased = [](int64_t k) {
    return k > 1 ? static_cast<double>(k) / static_cast<double>(k - 1) : 0.0;
  };
  ClusterSpread spread;
  spread.variance = unbiased(with_positives) * s10 + unbiased(with_negatives) * s01 +
                    2 * unbiased(with_rows) * s11;
  spread.freedom = freedom_of(influence, std::min(with_positives, with_negatives));
  return spread;
}

}  // namespace lamella::evaluation
