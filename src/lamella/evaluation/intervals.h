// SPDX-License-Identifier: Apache-2.0
// 95 % intervals that hold for what the rows were drawn from, not for the rows themselves.
//
// Clusters (patients, slides, blocks) are drawn anew, 2,000 times, within strata of those that have
// one class or both; the spread of a figure over the samples, on the scale on which it is symmetric
// (logit, logarithm), times the quantile of Student's t. Its degrees of freedom say how many
// clusters carry the figure (freedom_of): percentiles and Wald's form cover too little where few
// do. docs/figures.md has the coverage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/evaluation/clusters.h"

namespace lamella::evaluation {

struct ResamplingOptions {
  int64_t samples = 2000;
  uint64_t seed = 1;
};

// Scores of rows with their labels and origins.
struct EvaluatedRows {
  const feature::ScoreMatrix& scores;
  std::span<const int8_t> labels;
  const RowOrigins& origins;
};

// Intervals of every figure of each class, and of macro AUC, accuracy and log loss over all. Each
// class takes the first level of cluster_levels that has at least kLeastClusters clusters with rows
// of the class, and as many with others; where there is none, its note says what is missing. A
// figure at its bound (an AUC of 1) or without spread has no interval. The same bits for any
// context.threads. metrics: of these rows, see evaluate_classes.
void add_intervals(ClassMetrics& metrics, const EvaluatedRows& rows,
                   const ResamplingOptions& options, const Context& context);

// The AUC of one class alone: what auc_independent_low, auc_low and auc_obuchowski_low are made of.
struct AucIntervals {
  std::optional<double> auc;
  std::optional<Interval> independent, clustered, obuchowski;
};
AucIntervals auc_intervals(std::span<const float> scores, std::span<const int8_t> is_class,
                           const std::vector<Clusters>& levels, const ResamplingOptions& options,
                           const Context& context);

struct Difference {
  double value = 0;                  // of a less that of b
  std::optional<Interval> interval;  // paired: both runs take the same clusters in a sample
};
struct Differences {
  std::string unit;
  int64_t units = 0;
  std::string note;
  std::map<std::string, Difference> of;  // by the figure's name
};

// Figures of one class by the scores of two runs on the same rows. Error kInvalidArgument where
// sizes differ.
struct PairedScores {
  std::span<const float> a, b;
  std::span<const int8_t> is_class;
};
Differences paired_differences(const PairedScores& scores, const std::vector<Clusters>& levels,
                               const ResamplingOptions& options, const Context& context);

}  // namespace lamella::evaluation
