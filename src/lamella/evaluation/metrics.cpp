// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "lamella/base/error.h"

namespace lamella::evaluation {

namespace {

constexpr int kEceBins = 15;
constexpr double kThreshold = 0.5;
constexpr double kNormal975 = 1.959963984540054;  // 97.5 % quantile of the standard normal

void check(std::span<const float> scores, std::span<const int8_t> labels) {
  if (scores.size() != labels.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} scores and {} labels, expected as many of each",
                            scores.size(), labels.size()));
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!(scores[i] >= 0 && scores[i] <= 1)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("row {}: score {}, expected a probability 0-1", i, scores[i]));
    }
    if (labels[i] != 0 && labels[i] != 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("row {}: label {}, expected 0 or 1", i, labels[i]));
    }
  }
}

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

// AUC and its variance by DeLong, DeLong and Clarke-Pearson (Biometrics 1988), by mid-ranks after
// Sun and Xu (IEEE Signal Processing Letters 2014).
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
  const double half = kNormal975 * std::sqrt(variance(v10) / m + variance(v01) / n);
  metrics.auc = auc;
  metrics.auc_low = std::max(0.0, auc - half);
  metrics.auc_high = std::min(1.0, auc + half);
}

void fill_average_precision(Metrics& metrics, std::span<const float> scores,
                            std::span<const int8_t> labels) {
  if (metrics.n_positive == 0) return;
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  double sum = 0;
  int64_t seen = 0, hits = 0;
  for (size_t first = 0; first < order.size();) {
    // Rows of one score come in together: a threshold cannot part them.
    int64_t new_hits = 0;
    size_t last = first;
    for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
      new_hits += labels[order[last]];
    }
    seen += static_cast<int64_t>(last - first);
    hits += new_hits;
    sum += static_cast<double>(new_hits) * static_cast<double>(hits) / static_cast<double>(seen);
    first = last;
  }
  metrics.average_precision = sum / static_cast<double>(metrics.n_positive);
}

void fill_thresholded(Metrics& metrics, std::span<const float> scores,
                      std::span<const int8_t> labels) {
  int64_t right_positive = 0, right_negative = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool called = scores[i] >= kThreshold;
    if (called && labels[i] == 1) ++right_positive;
    if (!called && labels[i] == 0) ++right_negative;
  }
  const auto n = static_cast<double>(metrics.n);
  const auto positives = static_cast<double>(metrics.n_positive);
  metrics.accuracy = static_cast<double>(right_positive + right_negative) / n;
  if (metrics.n_positive == 0 || metrics.n_positive == metrics.n) return;
  metrics.balanced_accuracy = 0.5 * (static_cast<double>(right_positive) / positives +
                                     static_cast<double>(right_negative) / (n - positives));
}

void fill_calibration(Metrics& metrics, std::span<const float> scores,
                      std::span<const int8_t> labels) {
  std::array<double, kEceBins> score_sum{}, label_sum{};
  double squares = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const double score = scores[i], label = labels[i];
    squares += (score - label) * (score - label);
    const auto bin =
        static_cast<size_t>(std::min(kEceBins - 1, static_cast<int>(score * kEceBins)));
    score_sum[bin] += score;
    label_sum[bin] += label;
  }
  double error = 0;
  for (size_t bin = 0; bin < kEceBins; ++bin) error += std::abs(score_sum[bin] - label_sum[bin]);
  metrics.brier = squares / static_cast<double>(metrics.n);
  metrics.ece = error / static_cast<double>(metrics.n);
}

}  // namespace

Metrics evaluate(std::span<const float> scores, std::span<const int8_t> labels) {
  check(scores, labels);
  Metrics metrics;
  metrics.n = static_cast<int64_t>(scores.size());
  metrics.n_positive = std::count(labels.begin(), labels.end(), int8_t{1});
  if (metrics.n == 0) return metrics;
  fill_auc(metrics, scores, labels);
  fill_average_precision(metrics, scores, labels);
  fill_thresholded(metrics, scores, labels);
  fill_calibration(metrics, scores, labels);
  return metrics;
}

}  // namespace lamella::evaluation
