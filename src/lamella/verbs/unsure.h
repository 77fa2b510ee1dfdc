// SPDX-License-Identifier: Apache-2.0
// Scores that commit themselves to nothing: many of them on a slide say that it is not of the kind
// that the model knows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lamella/classifier/linear_model.h"

namespace lamella::verbs {

inline constexpr float kSure = 0.8F;  // probability of the most likely class

// Share of the rows whose most likely class has less than kSure; nullopt without rows.
std::optional<double> unsure_share(const feature::ScoreMatrix& scores);
// The same of the held-out rows of each slide: ids with their numbers of training rows, in order.
std::map<std::string, double> unsure_by_slide(
    const classifier::HeldOut& held_out,
    const std::vector<std::pair<std::string, int64_t>>& slides);

}  // namespace lamella::verbs
