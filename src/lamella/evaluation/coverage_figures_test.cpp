// SPDX-License-Identifier: Apache-2.0
// Whether 95 % intervals of figures other than the AUC, and those by blocks of slides, hold what
// they say. The tables of docs/figures.md: LAMELLA_COVERAGE_RUNS=400 lamella_evaluation_test
// --gtest_filter='Coverage*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "lamella/base/parallel.h"
#include "lamella/evaluation/intervals.h"
#include "lamella/evaluation/metric_rows.h"
#include "lamella/evaluation/simulated_scores_internal.h"

namespace lamella::evaluation {
namespace {

// sqrt 2 times the quantile of the AUC.
constexpr double kShiftOf75 = 0.9538726, kShiftOf90 = 1.8123876;
const Thresholds kThresholds = {0.5, 0.35};

struct Count {
  int64_t given = 0, covered = 0;
  void add(const Count& more) {
    given += more.given;
    covered += more.covered;
  }
  double percent() const {
    return 100.0 * static_cast<double>(covered) / static_cast<double>(std::max<int64_t>(1, given));
  }
};
using Counts = std::map<std::string, Count>;

// By name; what a sample without end would show.
std::map<std::string, double> figures(const Metrics& metrics) {
  std::map<std::string, double> all;
  for (const MetricRow& row : kMetricRows) {
    if (const auto value = metric_value(metrics, row)) all[row.name] = *value;
  }
  return all;
}

void count(Counts& counts, const Intervals& intervals, const std::map<std::string, double>& truth) {
  for (const auto& [name, interval] : intervals.of) {
    Count& one = counts[name];
    ++one.given;
    one.covered += interval.low <= truth.at(name) && truth.at(name) <= interval.high;
  }
}

int64_t runs_or(int64_t standard) {
  const char* asked = std::getenv("LAMELLA_COVERAGE_RUNS");
  return asked ? std::atoll(asked) : standard;
}

TEST(CoverageOfFigures, IsWhatTheySay) {
  std::vector<Simulation> settings;
  for (const int patients : {20, 40}) {
    for (const double prevalence : {0.2, 0.5}) {
      for (const double shift : {kShiftOf75, kShiftOf90}) {
        for (const double correlation : {0.0, 0.3}) {
          settings.push_back({patients, prevalence, shift, correlation, false, 30});
        }
      }
    }
  }
  const int64_t runs = runs_or(16);
  std::vector<Counts> found(settings.size());
  parallel_for(static_cast<int64_t>(settings.size()), available_threads(), [&](int64_t k, int) {
    const auto at = static_cast<size_t>(k);
    Simulation endless = settings[at];
    endless.patients = 10000;
    Random random(derive_seed(31, at));
    const SimulatedRows all = simulate(endless, random);
    const auto truth = figures(evaluate(all.scores, all.labels, kThresholds));
    for (int64_t run = 0; run < runs; ++run) {
      const SimulatedRows rows = simulate(settings[at], random);
      const feature::ScoreMatrix scores = two(rows.scores);
      RowOrigins origins;
      origins.patient = origins.slide = rows.clusters.of_row;
      const Thresholds each[] = {{}, kThresholds};
      ClassMetrics metrics = evaluate_classes(scores, rows.labels, each);
      add_intervals(metrics, {scores, rows.labels, origins}, {300, 5}, {});
      count(found[at], metrics.last().intervals, truth);
    }
  });
  Counts pooled;
  Count all;
  for (const Counts& counts : found) {
    for (const auto& [name, one] : counts) {
      pooled[name].add(one);
      all.add(one);
    }
  }
  ASSERT_GE(pooled.size(), 12u);
  for (const auto& [name, one] : pooled) {
    fmt::print("| {} | {} | {:.1f} |\n", name, one.given, one.percent());
    // Three standard errors of what the suite runs.
    EXPECT_GE(one.percent(), 90) << name;
    EXPECT_LE(one.percent(), 99.5) << name;
  }
  fmt::print("all figures: {:.1f} %\n", all.percent());
  EXPECT_GE(all.percent(), 93);
  EXPECT_LE(all.percent(), 97);
}

// Rows of square slides whose classes and whose scores' residuals are alike within squares that lie
// anywhere; between them they are independent.
struct Places {
  int slides = 2;
  int side = 40;     // rows and columns of patches
  double label = 6;  // side of the squares of one class
  double score = 3;  // of those of one residual
  double shift = kShiftOf75;
  double correlation = 0.4;
};

struct PlacedScores {
  feature::ScoreMatrix scores;
  std::vector<int8_t> labels;
  RowOrigins origins;
};

PlacedScores simulate_places(const Places& s, Random& random) {
  std::vector<float> second;
  PlacedScores made;
  for (int slide = 0; slide < s.slides; ++slide) {
    std::map<std::pair<int, int>, double> own;
    std::map<std::pair<int, int>, bool> positive;
    const double label_x = random.uniform() * s.label, label_y = random.uniform() * s.label;
    const double score_x = random.uniform() * s.score, score_y = random.uniform() * s.score;
    const auto square = [](double x, double y, double side) {
      return std::pair(static_cast<int>(x / side), static_cast<int>(y / side));
    };
    for (int y = 0; y < s.side; ++y) {
      for (int x = 0; x < s.side; ++x) {
        const bool label =
            positive.emplace(square(x + label_x, y + label_y, s.label), random.uniform() < 0.4)
                .first->second;
        const double tendency =
            own.emplace(square(x + score_x, y + score_y, s.score), random.normal()).first->second;
        const double latent = (label ? s.shift : 0) + std::sqrt(s.correlation) * tendency +
                              std::sqrt(1 - s.correlation) * random.normal();
        second.push_back(
            static_cast<float>(expit(std::log(0.4 / 0.6) + s.shift * (latent - s.shift / 2))));
        made.labels.push_back(label);
        made.origins.slide.push_back(slide);
        made.origins.x_sides.push_back(x);
        made.origins.y_sides.push_back(y);
      }
    }
  }
  made.scores = two(second);
  return made;
}

TEST(CoverageOfBlocks, IsNotFarFromWhatTheySay) {
  std::vector<Places> settings;
  for (const double score : {1.0, 3.0, 6.0}) {
    for (const double shift : {kShiftOf75, kShiftOf90}) {
      settings.push_back({.score = score, .shift = shift});
    }
  }
  const int64_t runs = runs_or(16);
  std::vector<Count> blocks(settings.size()), independent(settings.size());
  parallel_for(static_cast<int64_t>(settings.size()), available_threads(), [&](int64_t k, int) {
    const auto at = static_cast<size_t>(k);
    const double truth = settings[at].shift == kShiftOf75 ? 0.75 : 0.9;
    Random random(derive_seed(37, at));
    for (int64_t run = 0; run < runs; ++run) {
      const PlacedScores rows = simulate_places(settings[at], random);
      ClassMetrics metrics = evaluate_classes(rows.scores, rows.labels);
      const auto levels = cluster_levels(rows.origins, rows.scores, rows.labels);
      const std::vector<float> second = rows.scores.column(1);
      const AucIntervals made = auc_intervals(second, rows.labels, levels, {300, 5}, {});
      if (!made.clustered) continue;
      const auto add = [&](Count& one, const Interval& interval) {
        ++one.given;
        one.covered += interval.low <= truth && truth <= interval.high;
      };
      add(blocks[at], *made.clustered);
      add(independent[at], *made.independent);
    }
  });
  Count all, naive;
  for (size_t k = 0; k < settings.size(); ++k) {
    fmt::print("| {} | {} | {} | {:.1f} | {:.1f} |\n", settings[k].score,
               settings[k].shift == kShiftOf75 ? 0.75 : 0.9, blocks[k].given, blocks[k].percent(),
               independent[k].percent());
    all.add(blocks[k]);
    naive.add(independent[k]);
  }
  fmt::print("all: {} given, by blocks {:.1f} %, as if independent {:.1f} %\n", all.given,
             all.percent(), naive.percent());
  EXPECT_GT(all.given, 0);
  EXPECT_GE(all.percent(), 86);
  EXPECT_GT(all.percent(), naive.percent());
}

}  // namespace
}  // namespace lamella::evaluation
