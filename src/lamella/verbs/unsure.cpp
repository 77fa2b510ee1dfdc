// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/unsure.h"

#include <algorithm>

#include "lamella/heatmap/heatmap.h"

namespace lamella::verbs {

std::optional<double> unsure_share(const feature::ScoreMatrix& scores) {
  if (scores.rows() == 0) return {};
  int64_t unsure = 0;
  for (int64_t i = 0; i < scores.rows(); ++i) unsure += std::ranges::max(scores.row(i)) < kSure;
  return static_cast<double>(unsure) / static_cast<double>(scores.rows());
}

HeldOutSlides held_out_by_slide(const classifier::HeldOut& held_out,
                                const std::vector<int8_t>& labels,
                                const std::vector<std::pair<std::string, int64_t>>& slides) {
  std::vector<size_t> slide_of;
  for (size_t k = 0; k < slides.size(); ++k) {
    slide_of.insert(slide_of.end(), static_cast<size_t>(slides[k].second), k);
  }
  HeldOutSlides made;
  for (size_t i = 0; i < held_out.rows.size(); ++i) {
    const auto row = static_cast<size_t>(held_out.rows[i]);
    HeldOutSlide& own = made[slides[slide_of.at(row)].first];
    own.scores.classes = held_out.scores.classes;
    const auto values = held_out.scores.row(static_cast<int64_t>(i));
    own.scores.values.insert(own.scores.values.end(), values.begin(), values.end());
    own.labels.push_back(labels.at(row));
  }
  return made;
}

std::vector<double> null_slide_scores(const HeldOutSlides& slides, const std::string& shown) {
  std::vector<double> found;
  for (const auto& [id, slide] : slides) {
    const std::string name = heatmap::shown_class(slide.scores.classes, shown);
    const ClassTable& classes = slide.scores.classes;
    const int label = name == kMostLikely ? classes.count() - 1 : classes.index_of(name);
    feature::ScoreMatrix others{classes, {}};
    for (int64_t i = 0; i < slide.scores.rows(); ++i) {
      if (slide.labels[static_cast<size_t>(i)] == label) continue;
      const auto row = slide.scores.row(i);
      others.values.insert(others.values.end(), row.begin(), row.end());
    }
    if (others.rows() >= heatmap::kSlideScorePatches) {
      found.push_back(heatmap::slide_score(others, shown));
    }
  }
  return found;
}

}  // namespace lamella::verbs
