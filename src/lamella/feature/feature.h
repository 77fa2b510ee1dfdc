// SPDX-License-Identifier: Apache-2.0
// The two joint types between encoder, classifier, heat-map and storage. Plain data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/class_table.h"

namespace lamella::feature {

// n x d float32, row-major.
struct FeatureMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;  // size rows * columns
  // Fingerprint of what the numbers mean: written by the encoder, only compared afterwards.
  std::string feature_space;
  std::string precision;  // "f32", "bf16": recorded beside, may mix with a warning

  std::span<const float> row(int64_t i) const {
    return {values.data() + i * columns, static_cast<size_t>(columns)};
  }
  std::span<float> row(int64_t i) {
    return {values.data() + i * columns, static_cast<size_t>(columns)};
  }
};

// n x c probabilities, 0-1, row-major, in the rows' order: a column for each class.
struct ScoreMatrix {
  ClassTable classes;
  std::vector<float> values;

  int64_t rows() const {
    return classes.empty() ? 0 : static_cast<int64_t>(values.size()) / classes.count();
  }
  std::span<const float> row(int64_t i) const {
    const auto columns = static_cast<size_t>(classes.count());
    return {values.data() + static_cast<size_t>(i) * columns, columns};
  }
  // The probabilities of one class. Error kInvalidArgument if there is no such class.
  std::vector<float> column(int label) const;
  // The most likely class of a row; the first of equal ones.
  int most_likely(int64_t i) const;
  // Adds the rows of `more`. Error kMismatch where it has other classes; an empty one takes them.
  void append(const ScoreMatrix& more);
};

// A feature space begins with the encoder's name: "lite0/…".
std::string encoder_name(const std::string& feature_space);

inline constexpr double kSpaceMppTolerance = 0.05;

// Two feature spaces are the same if they are equal, or equal up to the number of a trailing
// "@<number>mpp" and these numbers differ by at most 5 % of the smaller.
bool same_space(const std::string& a, const std::string& b);

// Rows of all parts one under the other; the feature_space is the one of the lower median mpp.
// Error kMismatch if columns or feature spaces differ (which part); where precisions mix, a text
// that says so is put into *warning.
FeatureMatrix concatenate(std::span<const FeatureMatrix> parts, std::string* warning);

}  // namespace lamella::feature
