// SPDX-License-Identifier: Apache-2.0
// What makes intervals of samples.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/evaluation/intervals.h"
#include "lamella/evaluation/resampling_internal.h"

namespace lamella::evaluation {

using Columns = std::vector<std::vector<double>>;  // [figure][sample]

struct Samples {
  Columns drawn, left_out;  // bootstrap and jackknife
};
// Every figure of every sample of one class.
Samples samples_of(const ResampledClass& rows, const Clusters& clusters, const Strata& strata,
                   const ResamplingOptions& options, const Context& context);

// Draws by `strata`, which must outlive it.
FillLane draw_of(const Strata& strata, const ResamplingOptions& options);

// What resampling says of one figure.
struct Resampled {
  double value = 0;
  const std::vector<double>& drawn;
  const std::vector<double>& left_out;
  int64_t rarer_side = 0;
};
// `least`: how near to 0 or 1 a sample's figure may come on the logit scale. nullopt: a figure at
// its bound, without spread, or that one sample in twenty lacks.
std::optional<Interval> interval_of(const Resampled& figure, Scale scale, double least);

// The first that has enough clusters on both sides; nullptr if none has.
const Clusters* first_level(const std::vector<Clusters>& levels, std::span<const int8_t> is_class);
std::string why_none(const std::vector<Clusters>& levels, std::span<const int8_t> is_class);
// Unit, units and note.
Intervals described(const Clusters& level);

std::vector<int8_t> is_class_of(std::span<const int8_t> labels, size_t k);
// Half a pair of rows of both classes: no sample's AUC is known better.
double half_pair(const Metrics& metrics);

// Of more than two classes: macro AUC, accuracy, log loss.
void fill_over_classes(ClassMetrics& metrics, const EvaluatedRows& rows,
                       const std::vector<Clusters>& levels, const ResamplingOptions& options,
                       const Context& context);

}  // namespace lamella::evaluation
