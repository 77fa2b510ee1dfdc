// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/score_features.h"

#include <algorithm>

namespace lamella::verbs {

namespace {

constexpr int64_t kRowsAtOnce = 4096;

}  // namespace

feature::ScoreVector score_features(const storage::FeatureReader& features,
                                    const classifier::LinearModel& model) {
  const auto rows = static_cast<int64_t>(features.plan().rows.size());
  feature::ScoreVector scores;
  scores.values.reserve(static_cast<size_t>(rows));
  int64_t first = 0;
  do {  // an empty file is checked, too
    const int64_t count = std::min(kRowsAtOnce, rows - first);
    const auto part = classifier::score_patches(features.read(first, count), model);
    scores.values.insert(scores.values.end(), part.values.begin(), part.values.end());
    first += count;
  } while (first < rows);
  return scores;
}

}  // namespace lamella::verbs
