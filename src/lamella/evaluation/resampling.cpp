// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/base/parallel.h"
#include "lamella/base/random.h"
#include "lamella/evaluation/calibration_internal.h"
#include "lamella/evaluation/resampling_internal.h"

namespace lamella::evaluation {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kWanted = 0.95;  // of sensitivity and specificity
constexpr int64_t kMostParts = 200;

double ratio(double a, double b) { return b > 0 ? a / b : kNaN; }

}  // namespace

ResampledClass::ResampledClass(std::span<const float> scores, std::span<const int8_t> is_class,
                               const Clusters& clusters, const Metrics& metrics)
    : metrics_(metrics) {
  for (const RankedRow& row : rank_rows(scores, is_class)) {
    ranked_.push_back({clusters.of_row[static_cast<size_t>(row.row)], row.positive, row.last});
  }
  sums_of(scores, is_class, clusters);
}

void ResampledClass::sums_of(std::span<const float> scores, std::span<const int8_t> is_class,
                             const Clusters& clusters) {
  sums_.resize(static_cast<size_t>(clusters.count));
  const std::vector<double> logits = logits_of(scores);
  const double slope = metrics_.calibration_slope.value_or(1);
  const double intercept = metrics_.calibration_intercept.value_or(0);
  const double shift = metrics_.calibration_in_the_large.value_or(0);
  for (size_t i = 0; i < scores.size(); ++i) {
    Sums& sums = sums_[static_cast<size_t>(clusters.of_row[i])];
    const double score = scores[i], label = is_class[i];
    const bool called = scores[i] >= 0.5f;
    ++sums.rows;
    sums.positives += label;
    sums.squares += (score - label) * (score - label);
    sums.loss -= std::log(std::max(is_class[i] ? score : 1 - score, kLeastLogP));
    sums.right_positive += called && is_class[i];
    sums.right_negative += !called && !is_class[i];
    if (metrics_.threshold_accuracy) {
      sums.right += (score >= *metrics_.threshold_accuracy) == (is_class[i] != 0);
    }
    if (metrics_.threshold_f1) {
      const bool taken = score >= *metrics_.threshold_f1;
      sums.called += taken;
      sums.true_positive += taken && is_class[i];
    }
    const double q = expit(intercept + slope * logits[i]), weight = q * (1 - q);
    sums.g0 += label - q;
    sums.g1 += (label - q) * logits[i];
    sums.h00 += weight;
    sums.h01 += weight * logits[i];
    sums.h11 += weight * logits[i] * logits[i];
    const double shifted = expit(shift + logits[i]);
    sums.shift += label - shifted;
    sums.weight += shifted * (1 - shifted);
  }
}

FigureLanes ResampledClass::figures(const std::vector<Lanes>& weights) const {
  FigureLanes figures;
  for (Lanes& lanes : figures) lanes.fill(kNaN);
  rank_figures(weights, figures);
  sum_figures(weights, figures);
  return figures;
}

// From the highest score down: at each threshold so many of each class are called positive.
void ResampledClass::rank_figures(const std::vector<Lanes>& weights, FigureLanes& figures) const {
  Lanes positives{}, negatives{};
  for (size_t k = 0; k < sums_.size(); ++k) {
    for (size_t l = 0; l < kLanes; ++l) {
      positives[l] += weights[k][l] * sums_[k].positives;
      negatives[l] += weights[k][l] * (sums_[k].rows - sums_[k].positives);
    }
  }
  Lanes most_false{}, least_true{}, tp{}, fp{}, won{}, precision{}, tp_new{}, fp_new{};
  Lanes tp_allowed{}, fp_needed{};
  for (size_t l = 0; l < kLanes; ++l) {
    most_false[l] = (1 - kWanted) * negatives[l] * (1 + 1e-12);
    least_true[l] = kWanted * positives[l] * (1 - 1e-12);
    fp_needed[l] = -1;
  }
  for (const Row& row : ranked_) {
    const Lanes& w = weights[static_cast<size_t>(row.cluster)];
    Lanes& of_row = row.positive ? tp_new : fp_new;
    for (size_t l = 0; l < kLanes; ++l) of_row[l] += w[l];
    if (!row.last) continue;
    for (size_t l = 0; l < kLanes; ++l) {
      won[l] += fp_new[l] * (tp[l] + 0.5 * tp_new[l]);
      tp[l] += tp_new[l];
      fp[l] += fp_new[l];
      if (tp_new[l] > 0) precision[l] += tp_new[l] * tp[l] / (tp[l] + fp[l]);
      if (fp[l] <= most_false[l]) tp_allowed[l] = tp[l];
      if (fp_needed[l] < 0 && tp[l] >= least_true[l]) fp_needed[l] = fp[l];
      tp_new[l] = fp_new[l] = 0;
    }
  }
  for (size_t l = 0; l < kLanes; ++l) {
    if (!(positives[l] > 0)) continue;
    figures[1][l] = precision[l] / positives[l];
    if (!(negatives[l] > 0)) continue;
    figures[0][l] = won[l] / (positives[l] * negatives[l]);
    figures[2][l] = tp_allowed[l] / positives[l];
    figures[3][l] = 1 - fp_needed[l] / negatives[l];
  }
}

Lanes ResampledClass::auc(const std::vector<Lanes>& weights) const {
  Lanes tp{}, fp{}, won{}, tp_new{}, fp_new{};
  bool alone = true;  // the row before was the last of its score
  for (const Row& row : ranked_) {
    const Lanes& w = weights[static_cast<size_t>(row.cluster)];
    if (alone && row.last) {
      if (row.positive) {
        for (size_t l = 0; l < kLanes; ++l) tp[l] += w[l];
      } else {
        for (size_t l = 0; l < kLanes; ++l) {
          won[l] += w[l] * tp[l];
          fp[l] += w[l];
        }
      }
      continue;
    }
    Lanes& of_row = row.positive ? tp_new : fp_new;
    for (size_t l = 0; l < kLanes; ++l) of_row[l] += w[l];
    alone = row.last;
    if (!row.last) continue;
    for (size_t l = 0; l < kLanes; ++l) {
      won[l] += fp_new[l] * (tp[l] + 0.5 * tp_new[l]);
      tp[l] += tp_new[l];
      fp[l] += fp_new[l];
      tp_new[l] = fp_new[l] = 0;
    }
  }
  Lanes result;
  for (size_t l = 0; l < kLanes; ++l) result[l] = ratio(won[l], tp[l] * fp[l]);
  return result;
}

void ResampledClass::sum_figures(const std::vector<Lanes>& weights, FigureLanes& figures) const {
  for (size_t l = 0; l < kLanes; ++l) {
    Sums all;
    for (size_t k = 0; k < sums_.size(); ++k) {
      const double w = weights[k][l];
      if (w == 0) continue;
      const Sums& one = sums_[k];
      all.rows += w * one.rows;
      all.positives += w * one.positives;
      all.squares += w * one.squares;
      all.loss += w * one.loss;
      all.right_positive += w * one.right_positive;
      all.right_negative += w * one.right_negative;
      all.right += w * one.right;
      all.true_positive += w * one.true_positive;
      all.called += w * one.called;
      all.g0 += w * one.g0;
      all.g1 += w * one.g1;
      all.h00 += w * one.h00;
      all.h01 += w * one.h01;
      all.h11 += w * one.h11;
      all.shift += w * one.shift;
      all.weight += w * one.weight;
    }
    const double negatives = all.rows - all.positives;
    figures[4][l] = ratio(all.right_positive + all.right_negative, all.rows);
    figures[5][l] =
        0.5 * (ratio(all.right_positive, all.positives) + ratio(all.right_negative, negatives));
    if (metrics_.threshold_accuracy) figures[6][l] = ratio(all.right, all.rows);
    if (metrics_.threshold_f1) {
      figures[7][l] = ratio(2 * all.true_positive, all.called + all.positives);
    }
    figures[8][l] = ratio(all.squares, all.rows);
    figures[9][l] = ratio(all.loss, all.rows);
    if (metrics_.calibration_slope) {  // one step of Newton's method from the fit of all rows
      const double determinant = all.h00 * all.h11 - all.h01 * all.h01;
      figures[10][l] =
          *metrics_.calibration_slope + ratio(all.h00 * all.g1 - all.h01 * all.g0, determinant);
      figures[11][l] =
          *metrics_.calibration_intercept + ratio(all.h11 * all.g0 - all.h01 * all.g1, determinant);
    }
    if (metrics_.calibration_in_the_large) {
      figures[12][l] = *metrics_.calibration_in_the_large + ratio(all.shift, all.weight);
    }
  }
}

Strata::Strata(const Clusters& clusters, std::span<const int8_t> is_class) {
  std::vector<int> has(static_cast<size_t>(clusters.count), 0);
  for (size_t i = 0; i < is_class.size(); ++i) {
    has[static_cast<size_t>(clusters.of_row[i])] |= is_class[i] ? 1 : 2;
  }
  strata_.resize(3);
  for (size_t k = 0; k < has.size(); ++k) {
    if (has[k]) strata_[static_cast<size_t>(has[k] - 1)].push_back(static_cast<int32_t>(k));
  }
}

Strata::Strata(int32_t clusters) : strata_(1) {
  for (int32_t k = 0; k < clusters; ++k) strata_[0].push_back(k);
}

void Strata::draw(uint64_t seed, uint64_t sample, size_t lane, std::vector<Lanes>& weights) const {
  Random random(derive_seed(seed, sample));
  for (const std::vector<int32_t>& stratum : strata_) {
    for (size_t i = 0; i < stratum.size(); ++i) {
      weights[static_cast<size_t>(stratum[random.below(stratum.size())])][lane] += 1;
    }
  }
}

void for_blocks(int64_t samples, int32_t clusters, const Context& context, const FillLane& fill,
                const std::function<void(int64_t, const std::vector<Lanes>&)>& use) {
  const auto lanes = static_cast<int64_t>(kLanes);
  parallel_for((samples + lanes - 1) / lanes, context.threads, [&](int64_t block, int) {
    context.cancel.check();
    std::vector<Lanes> weights(static_cast<size_t>(clusters), Lanes{});
    for (int64_t lane = 0; lane < lanes && block * lanes + lane < samples; ++lane) {
      fill(block * lanes + lane, static_cast<size_t>(lane), weights);
    }
    use(block * lanes, weights);
  });
}

int64_t jackknife_parts(int32_t clusters) { return std::min<int64_t>(clusters, kMostParts); }

FillLane leave_out(int64_t parts) {
  return [parts](int64_t sample, size_t lane, std::vector<Lanes>& weights) {
    for (size_t k = 0; k < weights.size(); ++k) {
      weights[k][lane] = static_cast<int64_t>(k) % parts == sample ? 0 : 1;
    }
  };
}

}  // namespace lamella::evaluation
