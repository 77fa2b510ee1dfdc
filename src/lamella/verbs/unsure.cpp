// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/unsure.h"

#include <algorithm>

namespace lamella::verbs {

std::optional<double> unsure_share(const feature::ScoreMatrix& scores) {
  if (scores.rows() == 0) return {};
  int64_t unsure = 0;
  for (int64_t i = 0; i < scores.rows(); ++i) unsure += std::ranges::max(scores.row(i)) < kSure;
  return static_cast<double>(unsure) / static_cast<double>(scores.rows());
}

std::map<std::string, double> unsure_by_slide(
    const classifier::HeldOut& held_out,
    const std::vector<std::pair<std::string, int64_t>>& slides) {
  std::vector<size_t> slide_of;
  for (size_t k = 0; k < slides.size(); ++k) {
    slide_of.insert(slide_of.end(), static_cast<size_t>(slides[k].second), k);
  }
  std::vector<feature::ScoreMatrix> scores(slides.size());
  for (size_t i = 0; i < held_out.rows.size(); ++i) {
    feature::ScoreMatrix& own = scores[slide_of.at(static_cast<size_t>(held_out.rows[i]))];
    own.classes = held_out.scores.classes;
    const auto row = held_out.scores.row(static_cast<int64_t>(i));
    own.values.insert(own.values.end(), row.begin(), row.end());
  }
  std::map<std::string, double> shares;
  for (size_t k = 0; k < slides.size(); ++k) {
    if (const auto share = unsure_share(scores[k])) shares[slides[k].first] = *share;
  }
  return shares;
}

}  // namespace lamella::verbs
