// SPDX-License-Identifier: Apache-2.0
// The two joint types between encoder, classifier, heat-map and storage. Plain data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lamella::feature {

// n x d float32, row-major.
struct FeatureMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<float> values;   // size rows * columns
  // Fingerprint of what the numbers mean: written by the encoder, only compared afterwards.
  std::string feature_space;
  std::string precision;       // "f32", "bf16": recorded beside, may mix with a warning

  std::span<const float> row(int64_t i) const {
    return {values.data() + i * columns, static_cast<size_t>(columns)};
  }
  std::span<float> row(int64_t i) { return {values.data() + i * columns, static_cast<size_t>(columns)}; }
};

// n probabilities of tumour, 0-1, in the rows' order.
struct ScoreVector {
  std::vector<float> values;
};

// Rows of all parts one under the other. Error kMismatch if feature_space or columns differ
// (which part); a warning text is returned in *warning when precisions mix.
FeatureMatrix concatenate(std::span<const FeatureMatrix> parts, std::string* warning);

}  // namespace lamella::feature
