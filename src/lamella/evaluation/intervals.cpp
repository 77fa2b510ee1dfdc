// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/intervals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/auc_internal.h"
#include "lamella/evaluation/intervals_internal.h"

namespace lamella::evaluation {

namespace {

// Every figure of every sample.
Columns columns_of(const ResampledClass& rows, int64_t samples, int32_t clusters,
                   const FillLane& fill, const Context& context) {
  Columns columns(kResampled, std::vector<double>(static_cast<size_t>(samples)));
  for_blocks(samples, clusters, context, fill,
             [&](int64_t first, const std::vector<Lanes>& weights) {
               const FigureLanes figures = rows.figures(weights);
               for (size_t f = 0; f < kResampled; ++f) {
                 for (size_t l = 0; l < kLanes; ++l) {
                   const size_t sample = static_cast<size_t>(first) + l;
                   if (sample < columns[f].size()) columns[f][sample] = figures[f][l];
                 }
               }
             });
  return columns;
}

std::vector<double> auc_column(const ResampledClass& rows, int64_t samples, int32_t clusters,
                               const FillLane& fill, const Context& context) {
  std::vector<double> column(static_cast<size_t>(samples));
  for_blocks(samples, clusters, context, fill,
             [&](int64_t first, const std::vector<Lanes>& weights) {
               const Lanes auc = rows.auc(weights);
               for (size_t l = 0; l < kLanes; ++l) {
                 const size_t sample = static_cast<size_t>(first) + l;
                 if (sample < column.size()) column[sample] = auc[l];
               }
             });
  return column;
}

std::optional<Interval> obuchowski_interval(double auc, std::span<const float> scores,
                                            std::span<const int8_t> is_class,
                                            const Clusters& level) {
  const ClusterSpread spread = obuchowski(scores, is_class, level);
  if (!(spread.variance > 0 && auc > 0 && auc < 1)) return {};
  const double half = student_975(spread.freedom) * std::sqrt(spread.variance) / (auc * (1 - auc));
  return Interval{expit(logit(auc, 0) - half), expit(logit(auc, 0) + half)};
}

double to_scale(double value, Scale scale, double least) {
  if (scale == Scale::kLogit) return logit(value, least);
  if (scale == Scale::kLog) return std::log(std::max(value, 1e-12));
  return value;
}

double from_scale(double value, Scale scale) {
  if (scale == Scale::kLogit) return expit(value);
  return scale == Scale::kLog ? std::exp(value) : value;
}

std::vector<double> finite_of(const std::vector<double>& values) {
  std::vector<double> finite;
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  return finite;
}

double deviation_of(const std::vector<double>& values) {
  double mean = 0, sum = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

// How a figure changes with each cluster, up to a factor.
double freedom_by(const std::vector<double>& left_out, int64_t rarer_side) {
  std::vector<double> influence = finite_of(left_out);
  double mean = 0;
  for (const double value : influence) mean += value / static_cast<double>(influence.size());
  for (double& value : influence) value -= mean;
  return freedom_of(influence, rarer_side);
}

int64_t clusters_with_rows(const Clusters& clusters) {
  std::vector<char> has(static_cast<size_t>(clusters.count));
  for (const int32_t cluster : clusters.of_row) has[static_cast<size_t>(cluster)] = 1;
  return std::count(has.begin(), has.end(), 1);
}

}  // namespace

FillLane draw_of(const Strata& strata, const ResamplingOptions& options) {
  return [&strata, seed = options.seed](int64_t sample, size_t lane, std::vector<Lanes>& weights) {
    strata.draw(seed, static_cast<uint64_t>(sample), lane, weights);
  };
}

Samples samples_of(const ResampledClass& rows, const Clusters& clusters, const Strata& strata,
                   const ResamplingOptions& options, const Context& context) {
  const int64_t parts = jackknife_parts(clusters.count);
  return {columns_of(rows, options.samples, clusters.count, draw_of(strata, options), context),
          columns_of(rows, parts, clusters.count, leave_out(parts), context)};
}

std::optional<Interval> interval_of(const Resampled& figure, Scale scale, double least) {
  const bool at_bound = scale == Scale::kLogit && !(figure.value > 0 && figure.value < 1);
  if (at_bound || (scale == Scale::kLog && !(figure.value > 0))) return {};
  std::vector<double> drawn = finite_of(figure.drawn);
  // Where samples lack the figure, what is left is not what was asked.
  if (drawn.size() < 2 || drawn.size() * 20 < figure.drawn.size() * 19) return {};
  for (double& value : drawn) value = to_scale(value, scale, least);
  const double deviation = deviation_of(drawn);
  if (!(deviation > 0)) return {};
  const double half = student_975(freedom_by(figure.left_out, figure.rarer_side)) * deviation;
  const double centre = to_scale(figure.value, scale, least);
  return Interval{from_scale(centre - half, scale), from_scale(centre + half, scale)};
}

const Clusters* first_level(const std::vector<Clusters>& levels, std::span<const int8_t> is_class) {
  for (const Clusters& level : levels) {
    if (sides_of(level, is_class).enough()) return &level;
  }
  return nullptr;
}

std::string why_none(const std::vector<Clusters>& levels, std::span<const int8_t> is_class) {
  std::vector<std::string> found;
  for (const Clusters& level : levels) {
    const Sides sides = sides_of(level, is_class);
    found.push_back(fmt::format("{} {} with the class and {} without", sides.with_class, level.unit,
                                sides.without));
  }
  return fmt::format(
      "no interval: {}; at least {} of each are needed to tell how much figures vary",
      found.empty() ? "where the patches come from is not known" : join(found, ", "),
      kLeastClusters);
}

Intervals described(const Clusters& level) {
  return {level.unit, clusters_with_rows(level), "of " + level.scope, {}};
}

std::vector<int8_t> is_class_of(std::span<const int8_t> labels, size_t k) {
  std::vector<int8_t> is_class;
  is_class.reserve(labels.size());
  for (const int8_t label : labels) is_class.push_back(label == static_cast<int8_t>(k));
  return is_class;
}

double half_pair(const Metrics& metrics) {
  const auto m = static_cast<double>(metrics.n_positive);
  const auto n = static_cast<double>(metrics.n - metrics.n_positive);
  return 0.5 / std::max(1.0, m * n);
}

namespace {

void fill_class(Metrics& metrics, const std::vector<float>& scores,
                const std::vector<int8_t>& is_class, const std::vector<Clusters>& levels,
                const ResamplingOptions& options, const Context& context) {
  const Clusters* level = first_level(levels, is_class);
  if (!level) {
    metrics.intervals.note = why_none(levels, is_class);
    return;
  }
  metrics.intervals = described(*level);
  const Sides sides = sides_of(*level, is_class);
  const int64_t rarer = std::min(sides.with_class, sides.without);
  const ResampledClass rows(scores, is_class, *level, metrics);
  const Samples samples = samples_of(rows, *level, Strata(*level, is_class), options, context);
  for (size_t f = 0; f < kResampled; ++f) {
    const ResampledRow& row = kResampledRows[f];
    if (!(metrics.*row.member)) continue;
    const double least = f < 2 ? half_pair(metrics) : 0.5 / static_cast<double>(metrics.n);
    const auto interval = interval_of(
        {*(metrics.*row.member), samples.drawn[f], samples.left_out[f], rarer}, row.scale, least);
    if (interval) metrics.intervals.of[row.name] = *interval;
  }
  const auto auc = metrics.intervals.of.find("auc");
  if (auc == metrics.intervals.of.end()) return;
  metrics.auc_low = auc->second.low;
  metrics.auc_high = auc->second.high;
  const auto clustered = obuchowski_interval(*metrics.auc, scores, is_class, *level);
  if (!clustered) return;
  metrics.auc_obuchowski_low = clustered->low;
  metrics.auc_obuchowski_high = clustered->high;
}

}  // namespace

AucIntervals auc_intervals(std::span<const float> scores, std::span<const int8_t> is_class,
                           const std::vector<Clusters>& levels, const ResamplingOptions& options,
                           const Context& context) {
  Metrics metrics;
  metrics.n = static_cast<int64_t>(scores.size());
  metrics.n_positive = std::count(is_class.begin(), is_class.end(), int8_t{1});
  fill_auc(metrics, scores, is_class);
  AucIntervals result{metrics.auc, {}, {}, {}};
  if (metrics.auc_independent_low) {
    result.independent = {*metrics.auc_independent_low, *metrics.auc_independent_high};
  }
  const Clusters* level = first_level(levels, is_class);
  if (!level || !metrics.auc) return result;
  const ResampledClass rows(scores, is_class, *level, metrics);
  const Strata strata(*level, is_class);
  const int64_t parts = jackknife_parts(level->count);
  const std::vector<double> drawn =
      auc_column(rows, options.samples, level->count, draw_of(strata, options), context);
  const std::vector<double> left_out =
      auc_column(rows, parts, level->count, leave_out(parts), context);
  const Sides sides = sides_of(*level, is_class);
  result.clustered =
      interval_of({*metrics.auc, drawn, left_out, std::min(sides.with_class, sides.without)},
                  Scale::kLogit, half_pair(metrics));
  result.obuchowski = obuchowski_interval(*metrics.auc, scores, is_class, *level);
  return result;
}

void add_intervals(ClassMetrics& metrics, const EvaluatedRows& rows,
                   const ResamplingOptions& options, const Context& context) {
  if (rows.labels.empty()) return;
  const std::vector<Clusters> levels = cluster_levels(rows.origins, rows.scores, rows.labels);
  for (size_t k = 0; k < metrics.per_class.size(); ++k) {
    fill_class(metrics.per_class[k], rows.scores.column(static_cast<int>(k)),
               is_class_of(rows.labels, k), levels, options, context);
  }
  if (metrics.per_class.size() > 2) fill_over_classes(metrics, rows, levels, options, context);
}

}  // namespace lamella::evaluation
