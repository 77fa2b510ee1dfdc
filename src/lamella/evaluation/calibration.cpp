// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/evaluation/calibration_internal.h"
#include "lamella/evaluation/metrics.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

namespace {

constexpr int kIterations = 100;
constexpr double kMostSlope = 1e3;  // beyond it lies the slope of classes that are parted wholly

struct Sums {
  double g0 = 0, g1 = 0;             // gradient of the log-likelihood: intercept, slope
  double h00 = 0, h01 = 0, h11 = 0;  // minus its second derivatives
  double likelihood = 0;
};

Sums sums_at(const CalibrationFit& fit, std::span<const double> logits,
             std::span<const int8_t> labels) {
  Sums sums;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double z = fit.intercept + fit.slope * logits[i];
    const double q = expit(z), rest = labels[i] - q, weight = q * (1 - q);
    sums.g0 += rest;
    sums.g1 += rest * logits[i];
    sums.h00 += weight;
    sums.h01 += weight * logits[i];
    sums.h11 += weight * logits[i] * logits[i];
    const double margin = labels[i] ? z : -z;
    sums.likelihood -=
        margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
  }
  return sums;
}

bool one_class(std::span<const int8_t> labels) {
  return std::all_of(labels.begin(), labels.end(), [&](int8_t l) { return l == labels[0]; });
}

// Whether some threshold, or its reverse, leaves no row on the wrong side: ties may lie on it.
bool parted(std::span<const double> logits, std::span<const int8_t> labels) {
  double least[2] = {1e300, 1e300}, most[2] = {-1e300, -1e300};
  for (size_t i = 0; i < logits.size(); ++i) {
    least[labels[i]] = std::min(least[labels[i]], logits[i]);
    most[labels[i]] = std::max(most[labels[i]], logits[i]);
  }
  return least[1] >= most[0] || least[0] >= most[1];
}

}  // namespace

std::vector<double> logits_of(std::span<const float> scores) {
  std::vector<double> logits;
  logits.reserve(scores.size());
  for (const float score : scores) logits.push_back(logit(score, kLeastLogP));
  return logits;
}

std::optional<CalibrationFit> fit_calibration(std::span<const double> logits,
                                              std::span<const int8_t> labels) {
  if (labels.empty() || one_class(labels) || parted(logits, labels)) return {};
  CalibrationFit fit;
  Sums sums = sums_at(fit, logits, labels);
  for (int i = 0; i < kIterations; ++i) {
    const double determinant = sums.h00 * sums.h11 - sums.h01 * sums.h01;
    if (!(determinant > 1e-12 * sums.h00 * sums.h11)) return {};
    const double step0 = (sums.h11 * sums.g0 - sums.h01 * sums.g1) / determinant;
    const double step1 = (sums.h00 * sums.g1 - sums.h01 * sums.g0) / determinant;
    // Newton's step is halved until the likelihood does not fall: far away it overshoots.
    double part = 1;
    CalibrationFit next;
    Sums there;
    for (; part > 1e-6; part /= 2) {
      next = {fit.slope + part * step1, fit.intercept + part * step0};
      there = sums_at(next, logits, labels);
      if (there.likelihood >= sums.likelihood - 1e-12 * std::abs(sums.likelihood)) break;
    }
    fit = next;
    sums = there;
    if (!(std::abs(fit.slope) < kMostSlope)) return {};
    if (std::abs(step0) + std::abs(step1) < 1e-10) return fit;
  }
  return {};
}

std::optional<double> fit_intercept(std::span<const double> logits,
                                    std::span<const int8_t> labels) {
  if (labels.empty() || one_class(labels)) return {};
  // The sum of probabilities grows with the intercept: bisection cannot fail.
  double low = -60, high = 60;
  CalibrationFit fit;
  for (int i = 0; i < kIterations; ++i) {
    const Sums sums = sums_at(fit, logits, labels);
    (sums.g0 > 0 ? low : high) = fit.intercept;
    double next = fit.intercept + sums.g0 / sums.h00;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    const double step = std::abs(next - fit.intercept);
    fit.intercept = next;
    if (step < 1e-12) break;
  }
  return fit.intercept;
}

}  // namespace lamella::evaluation
