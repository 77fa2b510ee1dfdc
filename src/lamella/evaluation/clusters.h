// SPDX-License-Identifier: Apache-2.0
// Which rows depend on one another, and what figures may therefore say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lamella/feature/feature.h"

namespace lamella::evaluation {

// Clusters that need rows of a class, and as many with rows of another, for an interval by them:
// fewer say too little of their own spread.
inline constexpr int64_t kLeastClusters = 10;

struct Clusters {
  std::string unit;             // plural, as a person reads it: "patients"
  std::string scope;            // what such an interval speaks of: "other patients"
  std::vector<int32_t> of_row;  // n, 0 to count - 1
  int32_t count = 0;
};

// Where rows come from. Empty lists: not known.
struct RowOrigins {
  std::vector<int32_t> patient, slide;  // n, numbers from 0
  // n: top-left of the patch in units of one patch's side, in the slide's own frame.
  std::vector<double> x_sides, y_sides;
  // µm of one side, for what is said to people; 0: not known.
  double side_um = 0;

  void append(const RowOrigins& more);
  size_t rows() const { return slide.size(); }
};

// Clusters with rows of the class, and with rows of others.
struct Sides {
  int64_t with_class = 0, without = 0;
  bool enough() const { return with_class >= kLeastClusters && without >= kLeastClusters; }
};
Sides sides_of(const Clusters& clusters, std::span<const int8_t> is_class);

// Distance in sides at which the correlation of residuals (class of the row less its probabilities,
// less the slide's mean) falls below 0.1; over all slides, from pairs of at most 4,000 rows of
// each. 0: not found, since it never falls within half the rows' extent, or there are too few.
double correlation_range(const RowOrigins& origins, const feature::ScoreMatrix& scores,
                         std::span<const int8_t> labels);

// From the widest statement to the narrowest: patients, slides where they are not the same as
// patients, and square blocks on slides whose side is the range of correlation. Blocks are left out
// where the range is not known.
std::vector<Clusters> cluster_levels(const RowOrigins& origins, const feature::ScoreMatrix& scores,
                                     std::span<const int8_t> labels);

}  // namespace lamella::evaluation
