// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/evaluation/auc_internal.h"
#include "lamella/evaluation/calibration_internal.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

namespace {

constexpr int kEceBins = 15;
constexpr double kThreshold = 0.5;
constexpr double kWanted = 0.95;  // of sensitivity and specificity

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

// Every threshold from the highest down: so many of each class are called positive.
template <typename Use>
void for_thresholds(const std::vector<RankedRow>& ranked, const Use& use) {
  int64_t true_positive = 0, false_positive = 0, new_true = 0;
  for (const RankedRow& row : ranked) {
    new_true += row.positive;
    ++(row.positive ? true_positive : false_positive);
    if (!row.last) continue;
    use(row.score, true_positive, false_positive, new_true);
    new_true = 0;
  }
}

void fill_ranked(Metrics& metrics, const std::vector<RankedRow>& ranked) {
  if (metrics.n_positive == 0) return;
  const auto positives = static_cast<double>(metrics.n_positive);
  const auto negatives = static_cast<double>(metrics.n - metrics.n_positive);
  double sum = 0, allowed = 0, needed = -1;
  for_thresholds(ranked, [&](float, int64_t tp, int64_t fp, int64_t new_true) {
    const auto hits = static_cast<double>(tp), wrong = static_cast<double>(fp);
    // Rows of one score come in together: a threshold cannot part them.
    sum += static_cast<double>(new_true) * hits / (hits + wrong);
    if (wrong <= (1 - kWanted) * negatives * (1 + 1e-12)) allowed = hits;
    if (needed < 0 && hits >= kWanted * positives * (1 - 1e-12)) needed = wrong;
  });
  metrics.average_precision = sum / positives;
  if (negatives == 0) return;
  metrics.sensitivity_at_95_specificity = allowed / positives;
  metrics.specificity_at_95_sensitivity = 1 - needed / negatives;
}

void fill_at_thresholds(Metrics& metrics, std::span<const float> scores,
                        std::span<const int8_t> labels, const Thresholds& thresholds) {
  metrics.threshold_accuracy = thresholds.accuracy;
  metrics.threshold_f1 = thresholds.f1;
  int64_t right = 0, called = 0, hits = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (thresholds.accuracy) right += (scores[i] >= *thresholds.accuracy) == (labels[i] == 1);
    if (!thresholds.f1 || scores[i] < *thresholds.f1) continue;
    ++called;
    hits += labels[i];
  }
  if (thresholds.accuracy) {
    metrics.accuracy_at_threshold = static_cast<double>(right) / static_cast<double>(metrics.n);
  }
  if (thresholds.f1 && called + metrics.n_positive > 0) {
    metrics.f1_at_threshold =
        2 * static_cast<double>(hits) / static_cast<double>(called + metrics.n_positive);
  }
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

void fill_errors(Metrics& metrics, std::span<const float> scores, std::span<const int8_t> labels) {
  std::array<double, kEceBins> score_sum{}, label_sum{}, variance{};
  double squares = 0, loss = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const double score = scores[i], label = labels[i];
    squares += (score - label) * (score - label);
    loss -= std::log(std::max(labels[i] ? score : 1 - score, kLeastLogP));
    const auto bin =
        static_cast<size_t>(std::min(kEceBins - 1, static_cast<int>(score * kEceBins)));
    score_sum[bin] += score;
    label_sum[bin] += label;
    variance[bin] += score * (1 - score);
  }
  double error = 0, floor = 0;
  for (size_t bin = 0; bin < kEceBins; ++bin) {
    error += std::abs(score_sum[bin] - label_sum[bin]);
    // Of |sum of labels less their probabilities|, about normal: sqrt(2 / pi) of its deviation.
    floor += std::sqrt(2 * std::numbers::inv_pi * variance[bin]);
  }
  const auto n = static_cast<double>(metrics.n);
  metrics.brier = squares / n;
  metrics.log_loss = loss / n;
  metrics.ece = error / n;
  metrics.ece_floor = floor / n;
}

void fill_calibration(Metrics& metrics, std::span<const float> scores,
                      std::span<const int8_t> labels) {
  const std::vector<double> logits = logits_of(scores);
  metrics.calibration_in_the_large = fit_intercept(logits, labels);
  const auto fit = fit_calibration(logits, labels);
  if (!fit) return;
  metrics.calibration_slope = fit->slope;
  metrics.calibration_intercept = fit->intercept;
}

}  // namespace

Thresholds choose_thresholds(std::span<const float> scores, std::span<const int8_t> labels) {
  check(scores, labels);
  const int64_t positives = std::count(labels.begin(), labels.end(), int8_t{1});
  const int64_t negatives = static_cast<int64_t>(labels.size()) - positives;
  Thresholds best;
  if (positives == 0 || negatives == 0) return best;
  int64_t most_right = -1;
  double best_f1 = -1;
  for_thresholds(rank_rows(scores, labels), [&](float score, int64_t tp, int64_t fp, int64_t) {
    const int64_t right = tp + negatives - fp;
    if (right > most_right) {
      most_right = right;
      best.accuracy = score;
    }
    const double f1 = 2 * static_cast<double>(tp) / static_cast<double>(tp + fp + positives);
    if (f1 > best_f1) {
      best_f1 = f1;
      best.f1 = score;
    }
  });
  return best;
}

Metrics evaluate(std::span<const float> scores, std::span<const int8_t> labels,
                 const Thresholds& thresholds) {
  check(scores, labels);
  Metrics metrics;
  metrics.n = static_cast<int64_t>(scores.size());
  metrics.n_positive = std::count(labels.begin(), labels.end(), int8_t{1});
  if (metrics.n == 0) return metrics;
  fill_auc(metrics, scores, labels);
  fill_ranked(metrics, rank_rows(scores, labels));
  fill_thresholded(metrics, scores, labels);
  fill_at_thresholds(metrics, scores, labels, thresholds);
  fill_errors(metrics, scores, labels);
  fill_calibration(metrics, scores, labels);
  return metrics;
}

}  // namespace lamella::evaluation
