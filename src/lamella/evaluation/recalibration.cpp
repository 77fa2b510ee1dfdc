// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/recalibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/evaluation/calibration_internal.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

namespace {

constexpr double kLeastSlope = 1e-3, kMostSlope = 1e3;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

// Log probabilities, n x c.
std::vector<double> logs_of(const feature::ScoreMatrix& scores) {
  std::vector<double> logs;
  logs.reserve(scores.values.size());
  for (const float score : scores.values) {
    logs.push_back(std::log(std::max<double>(score, kLeastLogP)));
  }
  return logs;
}

double log_loss_at(const std::vector<double>& logs, std::span<const int8_t> labels, size_t classes,
                   double slope) {
  double loss = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double* row = logs.data() + i * classes;
    double sum = 0;
    const double most = slope * *std::max_element(row, row + classes);
    for (size_t k = 0; k < classes; ++k) sum += std::exp(slope * row[k] - most);
    loss += most + std::log(sum) - slope * row[labels[i]];
  }
  return loss / static_cast<double>(labels.size());
}

// The loss is convex in the slope: golden sections of its logarithm's range find the least.
double best_slope(const std::vector<double>& logs, std::span<const int8_t> labels, size_t classes) {
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(kLeastSlope), high = std::log(kMostSlope);
  const auto loss = [&](double z) { return log_loss_at(logs, labels, classes, std::exp(z)); };
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double at_a = loss(a), at_b = loss(b);
  for (int i = 0; i < 80; ++i) {
    if (at_a <= at_b) {
      high = b;
      b = a;
      at_b = at_a;
      at_a = loss(a = high - kGolden * (high - low));
    } else {
      low = a;
      a = b;
      at_a = at_b;
      at_b = loss(b = low + kGolden * (high - low));
    }
  }
  return std::exp(0.5 * (low + high));
}

Recalibration fit_two(const feature::ScoreMatrix& scores, std::span<const int8_t> labels) {
  const std::vector<double> logits = logits_of(scores.column(1));
  const auto fit = fit_calibration(logits, labels);
  if (!fit) {
    refuse("the scores part the classes wholly: no slope is the best; more patients are needed");
  }
  Recalibration made{fit->slope, fit->intercept, 0, 0};
  const auto loss = [&](double slope, double intercept) {
    double sum = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      const double p = expit(slope * logits[i] + intercept);
      sum -= std::log(std::max(labels[i] ? p : 1 - p, kLeastLogP));
    }
    return sum / static_cast<double>(labels.size());
  };
  made.log_loss_before = loss(1, 0);
  made.log_loss_after = loss(made.slope, made.intercept);
  return made;
}

}  // namespace

Recalibration fit_recalibration(const feature::ScoreMatrix& scores,
                                std::span<const int8_t> labels) {
  const ClassMetrics checked = evaluate_classes(scores, labels);
  if (labels.empty()) refuse("there are no labelled rows to calibrate on");
  if (std::all_of(labels.begin(), labels.end(), [&](int8_t l) { return l == labels[0]; })) {
    refuse(fmt::format("all labelled rows are of class {}; expected rows of two at least",
                       scores.classes.name(labels[0])));
  }
  Recalibration made;
  if (checked.classes.count() == 2) {
    made = fit_two(scores, labels);
  } else {
    const auto classes = static_cast<size_t>(checked.classes.count());
    const std::vector<double> logs = logs_of(scores);
    made.slope = best_slope(logs, labels, classes);
    if (made.slope > 0.99 * kMostSlope) {
      refuse("the scores part the classes wholly: no slope is the best; more patients are needed");
    }
    made.log_loss_before = log_loss_at(logs, labels, classes, 1);
    made.log_loss_after = log_loss_at(logs, labels, classes, made.slope);
  }
  if (!(made.slope > kLeastSlope * 1.01)) {
    refuse(
        fmt::format("the best slope is {:.3g}: on these rows the scores say nothing of the "
                    "labels, or the reverse; are they of this model and these classes?",
                    made.slope));
  }
  return made;
}

}  // namespace lamella::evaluation
