// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/class_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/base/error.h"

namespace lamella::evaluation {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

void check(const feature::ScoreMatrix& scores, std::span<const int8_t> labels) {
  scores.classes.validate();
  if (scores.values.size() != labels.size() * scores.classes.names.size()) {
    refuse(fmt::format("found {} scores for {} labels of {} classes, expected a score for each",
                       scores.values.size(), labels.size(), scores.classes.count()));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!scores.classes.has(labels[i])) {
      refuse(fmt::format("row {}: found the label {}, expected 0 to {} ({})", i, labels[i],
                         scores.classes.count() - 1, scores.classes.text()));
    }
  }
}

std::optional<double> mean_auc(const std::vector<Metrics>& per_class) {
  // Both are the same but for the rounding of 1 - p.
  if (per_class.size() == 2) return per_class.back().auc;
  double sum = 0;
  for (const Metrics& metrics : per_class) {
    if (!metrics.auc) return {};
    sum += *metrics.auc;
  }
  return sum / static_cast<double>(per_class.size());
}

}  // namespace

ClassMetrics evaluate_classes(const feature::ScoreMatrix& scores, std::span<const int8_t> labels,
                              std::span<const Thresholds> thresholds) {
  check(scores, labels);
  if (!thresholds.empty() && thresholds.size() != scores.classes.names.size()) {
    refuse(fmt::format("found thresholds of {} classes, expected {}", thresholds.size(),
                       scores.classes.count()));
  }
  const size_t classes = scores.classes.names.size();
  ClassMetrics result;
  result.classes = scores.classes;
  result.n = static_cast<int64_t>(labels.size());
  for (size_t k = 0; k < classes; ++k) {
    std::vector<int8_t> is_class;
    for (const int8_t label : labels) is_class.push_back(label == static_cast<int8_t>(k));
    result.per_class.push_back(evaluate(scores.column(static_cast<int>(k)), is_class,
                                        thresholds.empty() ? Thresholds{} : thresholds[k]));
  }
  result.confusion.assign(classes, std::vector<int64_t>(classes, 0));
  if (labels.empty()) return result;
  result.macro_auc = mean_auc(result.per_class);
  double loss = 0;
  int64_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto own = static_cast<size_t>(labels[i]);
    const auto row = static_cast<int64_t>(i);
    const auto said = static_cast<size_t>(scores.most_likely(row));
    ++result.confusion[own][said];
    right += said == own;
    const double p = scores.row(row)[own];
    loss -= std::log(std::max<double>(p, std::numeric_limits<float>::epsilon()));
  }
  result.accuracy = static_cast<double>(right) / static_cast<double>(result.n);
  result.log_loss = loss / static_cast<double>(result.n);
  return result;
}

}  // namespace lamella::evaluation
