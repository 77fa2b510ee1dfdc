// SPDX-License-Identifier: Apache-2.0
// Figures of rows whose clusters are weighted: what cluster bootstrap and jackknife need, for
// several samples at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/clusters.h"
#include "lamella/evaluation/metrics.h"
#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

// The scale on which a figure's spread is symmetric.
enum class Scale { kLogit, kLog, kPlain };

struct ResampledRow {
  const char* name;  // as in kMetricRows
  std::optional<double> Metrics::*member;
  Scale scale;
};

inline constexpr std::array kResampledRows = {
    ResampledRow{"auc", &Metrics::auc, Scale::kLogit},
    ResampledRow{"average_precision", &Metrics::average_precision, Scale::kLogit},
    ResampledRow{"sensitivity_at_95_specificity", &Metrics::sensitivity_at_95_specificity,
                 Scale::kLogit},
    ResampledRow{"specificity_at_95_sensitivity", &Metrics::specificity_at_95_sensitivity,
                 Scale::kLogit},
    ResampledRow{"accuracy", &Metrics::accuracy, Scale::kLogit},
    ResampledRow{"balanced_accuracy", &Metrics::balanced_accuracy, Scale::kLogit},
    ResampledRow{"accuracy_at_threshold", &Metrics::accuracy_at_threshold, Scale::kLogit},
    ResampledRow{"f1_at_threshold", &Metrics::f1_at_threshold, Scale::kLogit},
    ResampledRow{"brier", &Metrics::brier, Scale::kLog},
    ResampledRow{"class_log_loss", &Metrics::log_loss, Scale::kLog},
    ResampledRow{"calibration_slope", &Metrics::calibration_slope, Scale::kPlain},
    ResampledRow{"calibration_intercept", &Metrics::calibration_intercept, Scale::kPlain},
    ResampledRow{"calibration_in_the_large", &Metrics::calibration_in_the_large, Scale::kPlain}};
inline constexpr size_t kRanked = 4;  // the first ones: of ranks, the others are of sums
inline constexpr size_t kResampled = kResampledRows.size();

inline constexpr size_t kLanes = 16;
using Lanes = std::array<double, kLanes>;
using FigureLanes = std::array<Lanes, kResampled>;  // NaN where a figure is not known

// What of one class's rows is needed, once for all samples.
class ResampledClass {
 public:
  ResampledClass(std::span<const float> scores, std::span<const int8_t> is_class,
                 const Clusters& clusters, const Metrics& metrics);

  // weights: a lane for each sample, for each cluster. `ranks`: the first kRanked as well.
  FigureLanes figures(const std::vector<Lanes>& weights) const;
  // Of ranks, AUC alone.
  Lanes auc(const std::vector<Lanes>& weights) const;

 private:
  struct Row {
    int32_t cluster = 0;
    int8_t positive = 0;
    bool last = false;
  };
  // Sums over the rows of a cluster.
  struct Sums {
    double rows = 0, positives = 0, squares = 0, loss = 0;
    double right_positive = 0, right_negative = 0;     // at 0.5
    double right = 0;                                  // at the threshold of accuracy
    double true_positive = 0, called = 0;              // at the threshold of F1
    double g0 = 0, g1 = 0, h00 = 0, h01 = 0, h11 = 0;  // of the fitted recalibration
    double shift = 0, weight = 0;                      // of the fitted intercept at slope 1
  };
  void sums_of(std::span<const float> scores, std::span<const int8_t> is_class,
               const Clusters& clusters);
  void rank_figures(const std::vector<Lanes>& weights, FigureLanes& figures) const;
  void sum_figures(const std::vector<Lanes>& weights, FigureLanes& figures) const;

  Metrics metrics_;
  std::vector<Row> ranked_;
  std::vector<Sums> sums_;
};

// The clusters of a sample are drawn within strata: those that have rows of the class alone, of
// others alone, of both.
class Strata {
 public:
  Strata(const Clusters& clusters, std::span<const int8_t> is_class);
  // One stratum, whatever the rows.
  explicit Strata(int32_t clusters);
  // How often each cluster is drawn; the same for a seed and a sample everywhere.
  void draw(uint64_t seed, uint64_t sample, size_t lane, std::vector<Lanes>& weights) const;

 private:
  std::vector<std::vector<int32_t>> strata_;
};

// Weights of `samples` samples, kLanes at a time, each block given to `use` with the number of its
// first sample; blocks run in parallel. `fill(sample, lane, weights)` sets one lane.
using FillLane = std::function<void(int64_t sample, size_t lane, std::vector<Lanes>& weights)>;
void for_blocks(int64_t samples, int32_t clusters, const Context& context, const FillLane& fill,
                const std::function<void(int64_t first, const std::vector<Lanes>&)>& use);

// Samples that leave out one of at most 200 parts of the clusters each.
int64_t jackknife_parts(int32_t clusters);
FillLane leave_out(int64_t parts);

}  // namespace lamella::evaluation
