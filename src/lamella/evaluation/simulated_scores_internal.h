// SPDX-License-Identifier: Apache-2.0
// For tests: clustered scores of which the true AUC is known.
#pragma once

#include <cmath>
#include <vector>

#include "lamella/base/random.h"
#include "lamella/evaluation/clusters.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

// Scores of the classes a and b, from those of b.
inline feature::ScoreMatrix two(const std::vector<float>& second) {
  feature::ScoreMatrix scores{{{"a", "b"}}, {}};
  for (const float score : second) {
    scores.values.push_back(1 - score);
    scores.values.push_back(score);
  }
  return scores;
}

struct Simulation {
  int patients = 20;
  double prevalence = 0.5;
  double shift = 1;         // between the classes, in deviations: AUC = Phi(shift / sqrt 2)
  double correlation = 0;   // of two rows of a patient, within a class
  bool by_patient = false;  // a patient's rows are of one class, else mixed
  int rows = 30;            // of a patient, on average
};

struct SimulatedRows {
  std::vector<float> scores;  // calibrated probabilities
  std::vector<int8_t> labels;
  Clusters clusters{"patients", "other patients", {}, 0};
};

inline double quantile_of_uniforms(Random& random, int n, int k) {
  // The k-th of n uniform numbers: a draw of Beta(k, n - k + 1).
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(random.uniform());
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(k - 1)];
}

// Score = shift * label + patient + rest; patients' prevalences are spread widely.
inline SimulatedRows simulate(const Simulation& s, Random& random) {
  SimulatedRows made;
  made.clusters.count = s.patients;
  const double base = std::log(s.prevalence / (1 - s.prevalence));
  const int positive_patients =
      std::max(1, static_cast<int>(std::lround(s.prevalence * s.patients)));
  for (int patient = 0; patient < s.patients; ++patient) {
    const double own = random.normal() * std::sqrt(s.correlation);
    const int rows =
        s.rows / 3 + static_cast<int>(random.below(static_cast<uint64_t>(s.rows * 4 / 3 + 1)));
    // Beta(20 p, 20 (1 - p)), that is a wide spread around p.
    const double share =
        s.by_patient
            ? (patient < positive_patients ? 1 : 0)
            : quantile_of_uniforms(random, 19,
                                   std::max(1, static_cast<int>(std::lround(20 * s.prevalence))));
    for (int i = 0; i < rows; ++i) {
      const bool positive = random.uniform() < share;
      const double latent =
          (positive ? s.shift : 0) + own + random.normal() * std::sqrt(1 - s.correlation);
      made.scores.push_back(static_cast<float>(expit(base + s.shift * (latent - s.shift / 2))));
      made.labels.push_back(positive);
      made.clusters.of_row.push_back(patient);
    }
  }
  return made;
}

}  // namespace lamella::evaluation
