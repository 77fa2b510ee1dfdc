// SPDX-License-Identifier: Apache-2.0
// How far rows lie from those that a model was trained on, by their nearest among them: tissue is
// of several kinds, so that the training rows are no one cloud around a mean, and they are too
// alike for a covariance of hundreds of features. Standardised features scaled to length 1, after
// Sun et al. (Out-of-distribution detection with deep nearest neighbors, ICML 2022).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lamella/classifier/linear_model.h"

namespace lamella::classifier {

inline constexpr int64_t kNeighbours = 5;        // the distance is that to the fifth nearest
inline constexpr int64_t kReferenceRows = 4000;  // of the training set, evenly over its parts
inline constexpr int64_t kRowsCompared = 300;    // of what is compared, evenly
inline constexpr size_t kFewestHeldOut = 5;      // parts that a limit needs
inline constexpr double kFarDeviations = 5;      // robust ones, above the median of the held-out

// Rows of one slide, say; those of one group are held out together.
struct ReferencePart {
  const feature::FeatureMatrix* features = nullptr;
  int32_t group = 0;
};

class NearestRows {
 public:
  // Of the parts' features as the model standardises them. Error kMismatch: another number of
  // columns than the model's.
  NearestRows(const LinearModel& model, const std::vector<ReferencePart>& parts);

  // The median over the rows of the distance (0 to 2) to the kNeighbours-th nearest training row of
  // other groups than `left_out`; nullopt where there are no rows, or fewer training rows.
  std::optional<double> distance(const feature::FeatureMatrix& rows, int32_t left_out = -1) const;

 private:
  std::vector<float> normed(const feature::FeatureMatrix& rows, int64_t most) const;
  LinearModel model_;
  std::vector<float> reference_;  // rows x columns
  std::vector<int32_t> groups_;   // of each row
};

// What values of parts that were held out in turn make unusual: above it. nullopt for fewer than
// kFewestHeldOut. Median + kFarDeviations robust deviations (1.4826 times the median absolute
// deviation), and no less than the greatest of them.
std::optional<double> usual_limit(std::vector<double> held_out);

}  // namespace lamella::classifier
