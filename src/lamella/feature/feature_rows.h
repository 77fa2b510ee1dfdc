// SPDX-License-Identifier: Apache-2.0
// Features for reading, as float32 or as float16.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lamella/feature/feature.h"

namespace lamella::feature {

// n x d float16 (IEEE 754 binary16), row-major: half the memory of a FeatureMatrix.
struct HalfMatrix {
  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<uint16_t> values;
  std::string feature_space;
};

// The numbers that float16 stand for; exact, the same on any processor.
void floats_of(std::span<const uint16_t> halves, float* out);

// n x d numbers of another's memory, which must outlive it.
class FeatureRows {
 public:
  FeatureRows(const FeatureMatrix& matrix)  // NOLINT: a matrix is rows
      : rows(matrix.rows),
        columns(matrix.columns),
        feature_space(matrix.feature_space),
        floats_(matrix.values.data()) {}
  FeatureRows(const HalfMatrix& matrix)  // NOLINT
      : rows(matrix.rows),
        columns(matrix.columns),
        feature_space(matrix.feature_space),
        halves_(matrix.values.data()) {}

  int64_t rows = 0;
  int64_t columns = 0;
  std::string feature_space;

  bool half() const { return halves_ != nullptr; }
  // d numbers of row i: where they lie, or in `scratch` (d).
  const float* row(int64_t i, float* scratch) const {
    if (!halves_) return floats_ + i * columns;
    floats_of({halves_ + i * columns, static_cast<size_t>(columns)}, scratch);
    return scratch;
  }

 private:
  const float* floats_ = nullptr;
  const uint16_t* halves_ = nullptr;
};

}  // namespace lamella::feature
