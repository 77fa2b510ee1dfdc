// SPDX-License-Identifier: Apache-2.0
// Logistic recalibration: label on logit p.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace lamella::evaluation {

struct CalibrationFit {
  double slope = 1, intercept = 0;
};

// logit of each score, kept away from infinity by kLeastLogP.
std::vector<double> logits_of(std::span<const float> scores);

// Maximum likelihood by Newton's method. nullopt: one class only, or the score parts the classes
// wholly, so that there is no maximum.
std::optional<CalibrationFit> fit_calibration(std::span<const double> logits,
                                              std::span<const int8_t> labels);
// The same with the slope held at 1.
std::optional<double> fit_intercept(std::span<const double> logits, std::span<const int8_t> labels);

}  // namespace lamella::evaluation
