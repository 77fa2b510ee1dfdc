// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/score_features.h"

#include <algorithm>

namespace lamella::verbs {

namespace {

constexpr int64_t kRowsAtOnce = 4096;

}  // namespace

feature::ScoreMatrix score_features(const storage::FeatureReader& features,
                                    const classifier::LinearModel& model) {
  const auto rows = static_cast<int64_t>(features.plan().rows.size());
  feature::ScoreMatrix scores;
  scores.values.reserve(static_cast<size_t>(rows) * model.classes.names.size());
  int64_t first = 0;
  do {  // an empty file is checked, too
    const int64_t count = std::min(kRowsAtOnce, rows - first);
    scores.append(classifier::score_patches(features.read(first, count), model));
    first += count;
  } while (first < rows);
  return scores;
}

}  // namespace lamella::verbs
