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

// Rows of one slide that were held out.
struct HeldOutSlide {
  feature::ScoreMatrix scores;
  std::vector<int8_t> labels;
};
using HeldOutSlides = std::map<std::string, HeldOutSlide>;
// By slide. labels: of all training rows; slides: ids with their numbers of training rows, in
// order.
HeldOutSlides held_out_by_slide(const classifier::HeldOut& held_out,
                                const std::vector<int8_t>& labels,
                                const std::vector<std::pair<std::string, int64_t>>& slides);

// What the held-out rows that are not of the class come to as a slide score (heatmap::slide_score):
// of each slide that has twenty of them. What a slide of such tissue alone would show.
std::vector<double> null_slide_scores(const HeldOutSlides& slides, const std::string& shown);

}  // namespace lamella::verbs
