// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

std::vector<RankedRow> rank_rows(std::span<const float> scores, std::span<const int8_t> labels) {
  std::vector<RankedRow> ranked(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    ranked[i] = {scores[i], static_cast<int32_t>(i), labels[i], false};
  }
  std::sort(ranked.begin(), ranked.end(), [](const RankedRow& a, const RankedRow& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
  for (size_t i = 0; i < ranked.size(); ++i) {
    ranked[i].last = i + 1 == ranked.size() || ranked[i + 1].score != ranked[i].score;
  }
  return ranked;
}

std::vector<double> shares_won(const std::vector<RankedRow>& ranked) {
  double positives = 0;
  for (const RankedRow& row : ranked) positives += row.positive;
  const double negatives = static_cast<double>(ranked.size()) - positives;
  std::vector<double> won(ranked.size());
  double above_positive = 0, above_negative = 0;
  for (size_t first = 0; first < ranked.size();) {
    size_t last = first;
    double ties_positive = 0;
    while (!ranked[last].last) ties_positive += ranked[last++].positive;
    ties_positive += ranked[last++].positive;
    const double ties_negative = static_cast<double>(last - first) - ties_positive;
    const double below = negatives - above_negative - ties_negative;
    for (size_t k = first; k < last; ++k) {
      won[static_cast<size_t>(ranked[k].row)] =
          ranked[k].positive ? (below + 0.5 * ties_negative) / negatives
                             : (above_positive + 0.5 * ties_positive) / positives;
    }
    above_positive += ties_positive;
    above_negative += ties_negative;
    first = last;
  }
  return won;
}

double logit(double p, double least) {
  const double q = std::clamp(p, least, 1 - least);
  return std::log(q / (1 - q));
}

double expit(double z) { return 1 / (1 + std::exp(-z)); }

namespace {

// Continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m < 300; ++m) {
    for (const double term : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                              -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      d = 1 + term * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      h *= d * c;
    }
  }
  return h;
}

// P(|T| > t), df degrees of freedom: the regularised incomplete beta function.
double two_sided(double t, double df) {
  const double a = df / 2, b = 0.5, x = df / (df + t * t);
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double student_975(double df) {
  double low = 1.9, high = 13;  // of df = 1: 12.7
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (two_sided(middle, df) > 0.05 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace lamella::evaluation
