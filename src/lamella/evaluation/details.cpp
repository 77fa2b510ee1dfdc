// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/details.h"

#include <algorithm>
#include <array>
#include <map>

#include "lamella/evaluation/ranking_internal.h"

namespace lamella::evaluation {

namespace {

constexpr size_t kReliabilityBins = 15, kHistogramBins = 20;
constexpr int kDecisionSteps = 100;

size_t bin_of(float score, size_t bins) {
  return std::min(bins - 1,
                  static_cast<size_t>(static_cast<double>(score) * static_cast<double>(bins)));
}

// kMostCurvePoints of them, evenly, with the first and the last.
std::vector<CurvePoint> thinned(const std::vector<CurvePoint>& points) {
  const auto n = static_cast<int64_t>(points.size());
  if (n <= kMostCurvePoints) return points;
  std::vector<CurvePoint> some;
  for (int64_t k = 0; k < kMostCurvePoints; ++k) {
    some.push_back(points[static_cast<size_t>(k * (n - 1) / (kMostCurvePoints - 1))]);
  }
  return some;
}

void fill_ranked(ClassCurves& curves, const std::vector<RankedRow>& ranked) {
  double positives = 0;
  for (const RankedRow& row : ranked) positives += row.positive;
  const double negatives = static_cast<double>(ranked.size()) - positives;
  if (positives == 0 || negatives == 0) return;
  std::vector<CurvePoint> roc = {{1, 0, 0}}, precision_recall;
  double tp = 0, fp = 0;
  for (const RankedRow& row : ranked) {
    ++(row.positive ? tp : fp);
    if (!row.last) continue;
    roc.push_back({row.score, fp / negatives, tp / positives});
    precision_recall.push_back({row.score, tp / positives, tp / (tp + fp)});
  }
  curves.roc = thinned(roc);
  curves.precision_recall = thinned(precision_recall);
}

void fill_decision(ClassCurves& curves, const std::vector<RankedRow>& ranked) {
  double positives = 0;
  for (const RankedRow& row : ranked) positives += row.positive;
  const auto n = static_cast<double>(ranked.size());
  size_t next = 0;
  double tp = 0, fp = 0;
  for (int step = kDecisionSteps - 1; step > 0; --step) {
    const double threshold = static_cast<double>(step) / kDecisionSteps;
    for (; next < ranked.size() && ranked[next].score >= threshold; ++next) {
      ++(ranked[next].positive ? tp : fp);
    }
    const double odds = threshold / (1 - threshold);
    curves.decision.push_back(
        {threshold, tp / n - fp / n * odds, positives / n - (n - positives) / n * odds});
  }
  std::reverse(curves.decision.begin(), curves.decision.end());
}

std::vector<ReliabilityBin> reliability_of(std::span<const float> scores,
                                           std::span<const int8_t> is_class) {
  std::array<double, kReliabilityBins> sum{}, share{};
  std::array<int64_t, kReliabilityBins> count{};
  for (size_t i = 0; i < scores.size(); ++i) {
    const size_t bin = bin_of(scores[i], kReliabilityBins);
    ++count[bin];
    sum[bin] += scores[i];
    share[bin] += is_class[i];
  }
  std::vector<ReliabilityBin> bins;
  for (size_t bin = 0; bin < kReliabilityBins; ++bin) {
    if (count[bin] == 0) continue;
    const auto n = static_cast<double>(count[bin]), width = 1.0 / kReliabilityBins;
    bins.push_back({static_cast<double>(bin) * width, static_cast<double>(bin + 1) * width,
                    count[bin], sum[bin] / n, share[bin] / n});
  }
  return bins;
}

void fill_bins(ClassCurves& curves, std::span<const float> scores,
               std::span<const int8_t> is_class) {
  curves.histogram.assign(kHistogramBins, 0);
  curves.histogram_rest.assign(kHistogramBins, 0);
  for (size_t i = 0; i < scores.size(); ++i) {
    ++(is_class[i] ? curves.histogram : curves.histogram_rest)[bin_of(scores[i], kHistogramBins)];
  }
  curves.reliability = reliability_of(scores, is_class);
}

std::vector<int8_t> is_class_of(std::span<const int8_t> labels, int k) {
  std::vector<int8_t> is_class;
  for (const int8_t label : labels) is_class.push_back(label == k);
  return is_class;
}

ClassCurves curves_of(const feature::ScoreMatrix& scores, std::span<const int8_t> labels, int k) {
  ClassCurves curves;
  curves.class_name = scores.classes.name(k);
  const std::vector<float> column = scores.column(k);
  const std::vector<int8_t> is_class = is_class_of(labels, k);
  const std::vector<RankedRow> ranked = rank_rows(column, is_class);
  fill_ranked(curves, ranked);
  if (!ranked.empty()) fill_decision(curves, ranked);
  fill_bins(curves, column, is_class);
  return curves;
}

GroupFigures figures_of_rows(const std::vector<float>& scores,
                             const std::vector<int8_t>& is_class) {
  const Metrics m = evaluate(scores, is_class);
  GroupFigures group;
  group.n = m.n;
  group.n_positive = m.n_positive;
  double sum = 0;
  for (const float score : scores) sum += score;
  group.mean_score = sum / static_cast<double>(m.n);
  group.auc = m.auc;
  group.accuracy = m.accuracy;
  group.brier = m.brier;
  group.log_loss = m.log_loss;
  group.calibration_slope = m.calibration_slope;
  group.calibration_intercept = m.calibration_intercept;
  group.calibration_in_the_large = m.calibration_in_the_large;
  group.ece = m.ece;
  return group;
}

// A row for each of the groups, and each class.
void add_groups(std::vector<GroupFigures>& groups, const std::string& kind,
                const std::vector<int32_t>& numbers, const std::vector<std::string>& names,
                const feature::ScoreMatrix& scores, std::span<const int8_t> labels, int first) {
  std::map<std::string, std::vector<size_t>> rows;
  for (size_t i = 0; i < numbers.size(); ++i) {
    rows[names.at(static_cast<size_t>(numbers[i]))].push_back(i);
  }
  for (const auto& [name, list] : rows) {
    for (int k = first; k < scores.classes.count(); ++k) {
      std::vector<float> own;
      std::vector<int8_t> is_class;
      for (const size_t row : list) {
        own.push_back(scores.row(static_cast<int64_t>(row))[static_cast<size_t>(k)]);
        is_class.push_back(labels[row] == k);
      }
      groups.push_back(figures_of_rows(own, is_class));
      if (kind == "patient" && rows.size() <= kMostReliability) {
        groups.back().reliability = reliability_of(own, is_class);
      }
      groups.back().kind = kind;
      groups.back().id = name;
      groups.back().class_name = scores.classes.name(k);
    }
  }
}

std::vector<WrongPatch> wrong_patches(const feature::ScoreMatrix& scores,
                                      std::span<const int8_t> labels, const RowOrigins& origins,
                                      const PlacedRows& places) {
  struct Wrong {
    size_t row;
    int called;
    float score;
  };
  std::vector<Wrong> wrong;
  for (size_t i = 0; i < labels.size(); ++i) {
    const int called = scores.most_likely(static_cast<int64_t>(i));
    if (called == labels[i]) continue;
    wrong.push_back({i, called, scores.row(static_cast<int64_t>(i))[static_cast<size_t>(called)]});
  }
  std::stable_sort(wrong.begin(), wrong.end(),
                   [](const Wrong& a, const Wrong& b) { return a.score > b.score; });
  if (wrong.size() > kMostWrong) wrong.resize(kMostWrong);
  std::vector<WrongPatch> patches;
  for (const Wrong& one : wrong) {
    const auto slide = static_cast<size_t>(origins.slide[one.row]);
    patches.push_back({places.slides.at(slide), places.x_px[one.row], places.y_px[one.row],
                       scores.classes.name(labels[one.row]), scores.classes.name(one.called),
                       one.score, slide < places.side_px.size() ? places.side_px[slide] : 0});
  }
  return patches;
}

}  // namespace

Details details_of(const feature::ScoreMatrix& scores, std::span<const int8_t> labels,
                   const RowOrigins& origins, const PlacedRows& places) {
  Details details;
  const int first = scores.classes.count() == 2 ? 1 : 0;  // of two classes the last says all
  for (int k = first; k < scores.classes.count(); ++k) {
    details.curves.push_back(curves_of(scores, labels, k));
  }
  add_groups(details.groups, "patient", origins.patient, places.patients, scores, labels, first);
  add_groups(details.groups, "slide", origins.slide, places.slides, scores, labels, first);
  if (!places.x_px.empty()) details.wrong = wrong_patches(scores, labels, origins, places);
  return details;
}

}  // namespace lamella::evaluation
