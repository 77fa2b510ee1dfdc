// SPDX-License-Identifier: Apache-2.0
// Rows from the highest score down: what ranks alone decide.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lamella::evaluation {

struct RankedRow {
  float score = 0;
  int32_t row = 0;  // where it stood
  int8_t positive = 0;
  bool last = false;  // of its score: a threshold cannot part the rows before it
};

// Descending; rows of one score in their order.
std::vector<RankedRow> rank_rows(std::span<const float> scores, std::span<const int8_t> labels);

// Wins of every row: of a positive the share of negatives below it, of a negative the share of
// positives above it; ties count half. Both classes must be there.
std::vector<double> shares_won(const std::vector<RankedRow>& ranked);

// logit(p); p is kept away from 0 and 1 by `least`.
double logit(double p, double least);
double expit(double z);
// The p with P(T <= t) = p turned round: the 97.5 % quantile of Student's t; df >= 1, real.
double student_975(double df);

}  // namespace lamella::evaluation
