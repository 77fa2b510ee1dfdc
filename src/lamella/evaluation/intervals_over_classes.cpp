// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/evaluation/intervals_internal.h"

namespace lamella::evaluation {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The level at which every class has enough on both sides.
const Clusters* level_of_all(const std::vector<Clusters>& levels, std::span<const int8_t> labels,
                             size_t classes) {
  for (const Clusters& level : levels) {
    bool enough = true;
    for (size_t k = 0; k < classes; ++k) {
      enough = enough && sides_of(level, is_class_of(labels, k)).enough();
    }
    if (enough) return &level;
  }
  return nullptr;
}

// Weighted means of something for each sample.
std::vector<double> means_of(const std::vector<double>& values, const Clusters& clusters,
                             int64_t samples, const FillLane& fill, const Context& context) {
  std::vector<double> sums(static_cast<size_t>(clusters.count)), counts(sums.size());
  for (size_t i = 0; i < values.size(); ++i) {
    sums[static_cast<size_t>(clusters.of_row[i])] += values[i];
    ++counts[static_cast<size_t>(clusters.of_row[i])];
  }
  std::vector<double> means(static_cast<size_t>(samples));
  for_blocks(samples, clusters.count, context, fill,
             [&](int64_t first, const std::vector<Lanes>& weights) {
               for (size_t l = 0; l < kLanes; ++l) {
                 const size_t sample = static_cast<size_t>(first) + l;
                 if (sample >= means.size()) return;
                 double sum = 0, count = 0;
                 for (size_t k = 0; k < sums.size(); ++k) {
                   sum += weights[k][l] * sums[k];
                   count += weights[k][l] * counts[k];
                 }
                 means[sample] = count > 0 ? sum / count : kNaN;
               }
             });
  return means;
}

// The same clusters for every class in a sample.
struct Drawing {
  const Clusters& level;
  int64_t samples = 0;
  FillLane fill;

  std::vector<double> means(const std::vector<double>& values, const Context& context) const {
    return means_of(values, level, samples, fill, context);
  }
  // Mean over the classes.
  std::vector<double> macro_auc(const std::vector<ResampledClass>& classes,
                                const Context& context) const {
    std::vector<double> sums(static_cast<size_t>(samples));
    for (const ResampledClass& one : classes) {
      for_blocks(samples, level.count, context, fill,
                 [&](int64_t first, const std::vector<Lanes>& weights) {
                   const Lanes auc = one.auc(weights);
                   for (size_t l = 0; l < kLanes; ++l) {
                     const size_t sample = static_cast<size_t>(first) + l;
                     if (sample < sums.size()) {
                       sums[sample] += auc[l] / static_cast<double>(classes.size());
                     }
                   }
                 });
    }
    return sums;
  }
};

// Of every row whether its most likely class is its own, and -log p of its own.
struct Overall {
  std::vector<double> right, loss;
};

Overall overall_of(const EvaluatedRows& rows) {
  Overall overall;
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    const double p = rows.scores.row(row)[static_cast<size_t>(rows.labels[i])];
    overall.loss.push_back(-std::log(std::max(p, kLeastLogP)));
    overall.right.push_back(rows.scores.most_likely(row) == rows.labels[i] ? 1 : 0);
  }
  return overall;
}

}  // namespace

void fill_over_classes(ClassMetrics& metrics, const EvaluatedRows& rows,
                       const std::vector<Clusters>& levels, const ResamplingOptions& options,
                       const Context& context) {
  const size_t classes = metrics.per_class.size();
  const Clusters* level = level_of_all(levels, rows.labels, classes);
  if (!level) {
    metrics.intervals.note =
        fmt::format("no interval over all classes: no {} with and without every one of them",
                    levels.empty() ? "places are known of rows"
                                   : fmt::format("{} patients, slides or blocks", kLeastClusters));
    return;
  }
  metrics.intervals = described(*level);
  // Not within strata: with many classes most would hold one cluster.
  const Strata strata(level->count);
  const Drawing drawn{*level, options.samples, draw_of(strata, options)};
  const int64_t parts = jackknife_parts(level->count);
  const Drawing left_out{*level, parts, leave_out(parts)};
  int64_t rarer = level->count;
  double least = 1;
  std::vector<ResampledClass> each;
  for (size_t k = 0; k < classes; ++k) {
    const std::vector<int8_t> is_class = is_class_of(rows.labels, k);
    const Sides sides = sides_of(*level, is_class);
    rarer = std::min({rarer, sides.with_class, sides.without});
    least = std::min(least, half_pair(metrics.per_class[k]));
    each.emplace_back(rows.scores.column(static_cast<int>(k)), is_class, *level,
                      metrics.per_class[k]);
  }
  const auto put = [&](const char* name, const std::optional<double>& value,
                       const std::vector<double>& d, const std::vector<double>& j, Scale scale) {
    if (!value) return;
    const auto interval = interval_of({*value, d, j, rarer}, scale, least);
    if (interval) metrics.intervals.of[name] = *interval;
  };
  const Overall overall = overall_of(rows);
  put("macro_auc", metrics.macro_auc, drawn.macro_auc(each, context),
      left_out.macro_auc(each, context), Scale::kLogit);
  put("accuracy", metrics.accuracy, drawn.means(overall.right, context),
      left_out.means(overall.right, context), Scale::kLogit);
  put("log_loss", metrics.log_loss, drawn.means(overall.loss, context),
      left_out.means(overall.loss, context), Scale::kLog);
}

}  // namespace lamella::evaluation
