// SPDX-License-Identifier: Apache-2.0
// What makes probabilities fit labels: a slope and an intercept of their logits.
#pragma once

#include <cstdint>
#include <span>

#include "lamella/feature/feature.h"

namespace lamella::evaluation {

// Two classes: logit p' = slope * logit p + intercept, of the last. More: log p'_k = slope *
// log p_k, normalised; the intercept is 0.
struct Recalibration {
  double slope = 1, intercept = 0;
  double log_loss_before = 0, log_loss_after = 0;  // means over the rows it was fitted to
};

// By maximum likelihood. Error kInvalidArgument where there is none: rows of one class alone, or
// scores that part the classes wholly, which any slope would sharpen for ever; a slope that is not
// above 0, which would turn the scores round.
Recalibration fit_recalibration(const feature::ScoreMatrix& scores, std::span<const int8_t> labels);

}  // namespace lamella::evaluation
