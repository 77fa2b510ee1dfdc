// SPDX-License-Identifier: Apache-2.0
// Four rows at a time against one vector: what training on many rows spends its time in. Sums are
// of eight lanes in a fixed order, in double precision and without fused steps, so that the
// processor's widest registers give the same bits as its narrowest.
#pragma once

#include <array>
#include <cstdint>

namespace lamella::classifier {

inline constexpr int64_t kRowsAtOnce = 4;
using FourRows = std::array<const float*, kRowsAtOnce>;
using FourNumbers = std::array<double, kRowsAtOnce>;

struct RowKernels {
  // The rows' products with v (d numbers).
  FourNumbers (*dots)(const FourRows& rows, const double* v, int64_t d);
  // g (d numbers) += sum over the rows of r * row, the first row first.
  void (*add)(const FourRows& rows, const FourNumbers& r, double* g, int64_t d);
};

const RowKernels& row_kernels();    // the fastest of this processor
const RowKernels& plain_kernels();  // of any
}  // namespace lamella::classifier
