// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/intervals.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/evaluation/auc_internal.h"
#include "lamella/evaluation/resampling_internal.h"
#include "lamella/evaluation/simulated_scores_internal.h"

namespace lamella::evaluation {
namespace {

using Labels = std::vector<int8_t>;

RowOrigins by_patients(const Clusters& clusters) {
  RowOrigins origins;
  origins.patient = origins.slide = clusters.of_row;
  return origins;
}

SimulatedRows some(uint64_t seed = 3, int patients = 24) {
  Random random(seed);
  return simulate({patients, 0.5, 1.5, 0.3, false, 20}, random);
}

TEST(Student, QuantilesOfTheTables) {
  EXPECT_NEAR(student_975(1), 12.706204736, 1e-6);
  EXPECT_NEAR(student_975(2), 4.302652730, 1e-6);
  EXPECT_NEAR(student_975(9.5), 2.244211, 1e-4);
  EXPECT_NEAR(student_975(100), 1.983971519, 1e-6);
}

TEST(Resampling, WeightedFiguresAreThoseOfRepeatedRows) {
  // The plain version: every row as often as its cluster was drawn.
  const SimulatedRows rows = some();
  const Metrics metrics = evaluate(rows.scores, rows.labels, {0.6, 0.4});
  const ResampledClass resampled(rows.scores, rows.labels, rows.clusters, metrics);
  std::vector<Lanes> weights(static_cast<size_t>(rows.clusters.count), Lanes{});
  const Strata strata(rows.clusters, rows.labels);
  for (size_t lane = 0; lane < kLanes; ++lane) strata.draw(5, lane, lane, weights);
  const FigureLanes figures = resampled.figures(weights);
  const Lanes auc = resampled.auc(weights);
  for (size_t lane = 0; lane < kLanes; ++lane) {
    std::vector<float> scores;
    Labels labels;
    for (size_t i = 0; i < rows.scores.size(); ++i) {
      const double times = weights[static_cast<size_t>(rows.clusters.of_row[i])][lane];
      for (int k = 0; k < static_cast<int>(times); ++k) {
        scores.push_back(rows.scores[i]);
        labels.push_back(rows.labels[i]);
      }
    }
    const Metrics plain = evaluate(scores, labels, {0.6, 0.4});
    EXPECT_NEAR(auc[lane], *plain.auc, 1e-12);
    for (size_t f = 0; f < kResampled; ++f) {
      // Calibration is one step of Newton's method from the fit of all rows.
      const double tolerance = f < 10 ? 1e-9 : 0.12;
      EXPECT_NEAR(figures[f][lane], *(plain.*kResampledRows[f].member), tolerance)
          << kResampledRows[f].name;
    }
  }
}

TEST(Resampling, TiesAndStrata) {
  // Clusters 0 and 1 have positives alone, 2 negatives alone: each stratum keeps its size.
  const Clusters clusters{"patients", "", {0, 1, 1, 2, 2, 2}, 3};
  const Labels labels = {1, 1, 1, 0, 0, 0};
  const Strata strata(clusters, labels);
  for (uint64_t sample = 0; sample < 50; ++sample) {
    std::vector<Lanes> weights(3, Lanes{});
    strata.draw(1, sample, 0, weights);
    EXPECT_EQ(weights[0][0] + weights[1][0], 2);
    EXPECT_EQ(weights[2][0], 1);
  }
  const std::vector<float> scores = {0.5f, 0.5f, 0.9f, 0.5f, 0.5f, 0.1f};
  const ResampledClass rows(scores, labels, clusters, {});
  std::vector<Lanes> once(3);
  for (Lanes& lanes : once) lanes.fill(1);
  // Wins: 0.5 against (0.5, 0.5, 0.1) is 2, twice; 0.9 is 3: 7 of 9.
  EXPECT_DOUBLE_EQ(rows.auc(once)[3], 7.0 / 9);
  EXPECT_DOUBLE_EQ(rows.figures(once)[0][3], 7.0 / 9);
}

TEST(Obuchowski, OfSingleRowsIsDeLong) {
  // Every row its own cluster: the clustered variance is the sum of both parts of DeLong's.
  const SimulatedRows rows = some();
  Clusters single{"rows", "", {}, static_cast<int32_t>(rows.scores.size())};
  for (int32_t i = 0; i < single.count; ++i) single.of_row.push_back(i);
  Metrics m;
  fill_auc(m, rows.scores, rows.labels);
  const double half = (logit(*m.auc_independent_high, 0) - logit(*m.auc_independent_low, 0)) / 2;
  const double deviation = half / 1.959963984540054 * *m.auc * (1 - *m.auc);
  EXPECT_NEAR(std::sqrt(obuchowski(rows.scores, rows.labels, single).variance), deviation, 1e-12);
}

TEST(Obuchowski, ByHand) {
  // Clusters A {1: 0.9, 0: 0.2}, B {1: 0.4, 0: 0.6}. Wins of positives: 1, 0.5; auc 0.75. Wins of
  // negatives (positives above them): 0.2: 1; 0.6: 0.5.
  // S10 = 2 (0.25/2)^2 * 2 = 0.0625, S01 the same, S11 = 2 * 2 (1/8)^2 = 0.0625: sum with twice
  // the last 0.25.
  const Clusters clusters{"patients", "", {0, 0, 1, 1}, 2};
  const std::vector<float> scores = {0.9f, 0.2f, 0.4f, 0.6f};
  EXPECT_NEAR(obuchowski(scores, Labels{1, 0, 1, 0}, clusters).variance, 0.25, 1e-12);
}

TEST(Freedom, FewClustersThatCarryAFigureCountFew) {
  EXPECT_NEAR(freedom_of(std::vector<double>(20, 1.0), 20), 19, 1e-9);
  std::vector<double> one(20, 0.0);
  one[3] = 5;
  EXPECT_NEAR(freedom_of(one, 20), std::sqrt(19.0), 1e-9);
  EXPECT_EQ(freedom_of({}, 1), 1);
}

TEST(Intervals, AreTheSameForAnyThreads) {
  const SimulatedRows rows = some();
  const feature::ScoreMatrix scores = two(rows.scores);
  const RowOrigins origins = by_patients(rows.clusters);
  std::vector<ClassMetrics> made;
  for (const int threads : {1, 2, 5}) {
    made.push_back(evaluate_classes(scores, rows.labels));
    Context context;
    context.threads = threads;
    add_intervals(made.back(), {scores, rows.labels, origins}, {300, 9}, context);
  }
  const Intervals& first = made[0].last().intervals;
  EXPECT_EQ(first.unit, "patients");
  EXPECT_EQ(first.units, 24);
  EXPECT_EQ(first.note, "of other patients");
  EXPECT_EQ(first.of, made[1].last().intervals.of);
  EXPECT_EQ(first.of, made[2].last().intervals.of);
  for (const char* name : {"auc", "average_precision", "accuracy", "balanced_accuracy", "brier",
                           "class_log_loss", "calibration_slope", "calibration_intercept",
                           "calibration_in_the_large", "sensitivity_at_95_specificity"}) {
    EXPECT_TRUE(first.of.contains(name)) << name;
  }
  const Metrics& m = made[0].last();
  EXPECT_LT(*m.auc_low, *m.auc);
  EXPECT_LT(*m.auc, *m.auc_high);
  EXPECT_GT(*m.auc_high - *m.auc_low, *m.auc_independent_high - *m.auc_independent_low);
  EXPECT_NEAR(*m.auc_low, *m.auc_obuchowski_low, 0.03);
}

TEST(Intervals, FewerThanTenAreToldInstead) {
  const SimulatedRows rows = some(3, 9);
  const feature::ScoreMatrix scores = two(rows.scores);
  ClassMetrics metrics = evaluate_classes(scores, rows.labels);
  add_intervals(metrics, {scores, rows.labels, by_patients(rows.clusters)}, {}, {});
  EXPECT_FALSE(metrics.last().auc_low);
  EXPECT_TRUE(metrics.last().auc_independent_low);
  EXPECT_NE(metrics.last().intervals.note.find("no interval: 9 patients with the class and 9 "
                                               "without; at least 10"),
            std::string::npos)
      << metrics.last().intervals.note;
}

TEST(Intervals, OnePatientWithoutPlacesHasNone) {
  const feature::ScoreMatrix scores = two({0.2f, 0.9f, 0.4f, 0.3f});
  ClassMetrics metrics = evaluate_classes(scores, Labels{0, 1, 0, 1});
  add_intervals(metrics, {scores, Labels{0, 1, 0, 1}, {}}, {}, {});
  EXPECT_NE(metrics.last().intervals.note.find("is not known"), std::string::npos);
  ClassMetrics none = evaluate_classes(two({}), Labels{});
  add_intervals(none, {two({}), Labels{}, {}}, {}, {});
  EXPECT_TRUE(none.last().intervals.note.empty());
}

TEST(Intervals, OfPartedClassesIsNoneOfTheAuc) {
  std::vector<float> second;
  Labels labels;
  RowOrigins origins;
  for (int32_t patient = 0; patient < 12; ++patient) {
    for (int k = 0; k < 2; ++k) {
      second.push_back(k ? 0.8f + 0.01f * static_cast<float>(patient) : 0.1f);
      labels.push_back(static_cast<int8_t>(k));
      origins.patient.push_back(patient);
    }
  }
  origins.slide = origins.patient;
  const feature::ScoreMatrix scores = two(second);
  ClassMetrics metrics = evaluate_classes(scores, labels);
  add_intervals(metrics, {scores, labels, origins}, {}, {});
  EXPECT_FALSE(metrics.last().intervals.of.contains("auc"));
  EXPECT_TRUE(metrics.last().intervals.of.contains("brier"));
}

TEST(Intervals, OfThreeClassesStandForEachAndForAll) {
  Random random(4);
  feature::ScoreMatrix scores{{{"a", "b", "c"}}, {}};
  Labels labels;
  RowOrigins origins;
  for (int32_t patient = 0; patient < 15; ++patient) {
    for (int k = 0; k < 9; ++k) {
      const auto label = static_cast<int8_t>(k % 3);
      std::vector<double> p(3);
      double sum = 0;
      for (int c = 0; c < 3; ++c) sum += p[c] = random.uniform() + (c == label ? 0.7 : 0);
      for (const double value : p) scores.values.push_back(static_cast<float>(value / sum));
      labels.push_back(label);
      origins.patient.push_back(patient);
    }
  }
  origins.slide = origins.patient;
  ClassMetrics metrics = evaluate_classes(scores, labels);
  add_intervals(metrics, {scores, labels, origins}, {400, 1}, {});
  ASSERT_TRUE(metrics.intervals.of.contains("macro_auc"));
  for (const char* name : {"accuracy", "log_loss"}) {
    EXPECT_TRUE(metrics.intervals.of.contains(name)) << name;
  }
  for (const Metrics& one : metrics.per_class) EXPECT_TRUE(one.intervals.of.contains("auc"));
  const Interval macro = metrics.intervals.of.at("macro_auc");
  EXPECT_TRUE(macro.low < *metrics.macro_auc && *metrics.macro_auc < macro.high);
}

TEST(Intervals, OfTenThousandPatients) {
  // Three patches each; nothing grows with the square of the patients.
  Random random(21);
  const SimulatedRows rows = simulate({10000, 0.3, 1.5, 0.3, false, 3}, random);
  const feature::ScoreMatrix scores = two(rows.scores);
  const RowOrigins origins = by_patients(rows.clusters);
  ClassMetrics metrics = evaluate_classes(scores, rows.labels);
  Context context;
  context.threads = 2;
  add_intervals(metrics, {scores, rows.labels, origins}, {200, 1}, context);
  const Metrics& m = metrics.last();
  EXPECT_EQ(m.intervals.unit, "patients");
  EXPECT_EQ(m.intervals.units, 10000);
  ASSERT_TRUE(m.auc_low && m.auc_high);
  EXPECT_LT(*m.auc_high - *m.auc_low, 0.03);
  EXPECT_LT(*m.auc_low, *m.auc);
  EXPECT_GT(*m.auc_high, *m.auc);
}

TEST(PairedDifferences, OfARunToItselfAreNone) {
  const SimulatedRows rows = some();
  const Differences same =
      paired_differences({rows.scores, rows.scores, rows.labels}, {rows.clusters}, {200, 1}, {});
  EXPECT_EQ(same.unit, "patients");
  EXPECT_EQ(same.of.at("auc").value, 0);
  EXPECT_FALSE(same.of.at("auc").interval) << "no spread";
  // Pairing pays: a slightly changed copy differs by far less than either varies.
  std::vector<float> other = rows.scores;
  for (size_t i = 0; i < other.size(); i += 3) other[i] = 0.9f * other[i];
  const Differences paired =
      paired_differences({rows.scores, other, rows.labels}, {rows.clusters}, {500, 1}, {});
  ClassMetrics own = evaluate_classes(two(rows.scores), rows.labels);
  add_intervals(own, {two(rows.scores), rows.labels, by_patients(rows.clusters)}, {500, 1}, {});
  const Interval interval = *paired.of.at("auc").interval;
  EXPECT_LT(interval.high - interval.low, (*own.last().auc_high - *own.last().auc_low) / 2);
  EXPECT_THROW(paired_differences({rows.scores, {}, rows.labels}, {rows.clusters}, {}, {}), Error);
}

TEST(Clusters, BlocksTakeTheirSizeFromTheData) {
  // Residuals that are the same within squares of 8 x 8 sides, and independent between them.
  Random random(8);
  RowOrigins origins;
  std::vector<float> second;
  Labels labels;
  std::map<std::pair<int, int>, double> tendency;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      double& own = tendency.emplace(std::pair(x / 8, y / 8), random.uniform()).first->second;
      second.push_back(0.5f);
      labels.push_back(random.uniform() < own);
      origins.slide.push_back(0);
      origins.x_sides.push_back(x);
      origins.y_sides.push_back(y);
    }
  }
  origins.side_um = 100;
  const double range = correlation_range(origins, two(second), labels);
  EXPECT_GT(range, 2);
  EXPECT_LT(range, 8);
  const std::vector<Clusters> levels = cluster_levels(origins, two(second), labels);
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].unit, "slides");
  EXPECT_EQ(levels[1].unit.substr(0, 10), "blocks of ");
  EXPECT_GT(levels[1].count, 16);
  // Independent rows: the first distance with pairs is enough.
  for (int8_t& label : labels) label = static_cast<int8_t>(random.below(2));
  EXPECT_LT(correlation_range(origins, two(second), labels), 2);
}

}  // namespace
}  // namespace lamella::evaluation
