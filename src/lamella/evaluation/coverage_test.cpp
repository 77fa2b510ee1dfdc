// SPDX-License-Identifier: Apache-2.0
// Whether 95 % intervals hold what they say, on clustered scores whose AUC is known. The table of
// docs/figures.md: LAMELLA_COVERAGE_RUNS=1000 lamella_evaluation_test --gtest_filter='Coverage.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "lamella/base/parallel.h"
#include "lamella/evaluation/intervals.h"
#include "lamella/evaluation/simulated_scores_internal.h"

namespace lamella::evaluation {
namespace {

struct Setting {
  Simulation simulation;
  double auc = 0;

  std::string text() const {
    return fmt::format("{} | {} | {:.0f} % | {} | {}",
                       simulation.by_patient ? "one class each" : "mixed", simulation.patients,
                       100 * simulation.prevalence, auc, simulation.correlation);
  }
};

std::vector<Setting> settings() {
  // sqrt 2 times the quantile of the AUC.
  const std::map<double, double> shifts = {{0.75, 0.9538726}, {0.9, 1.8123876}, {0.99, 3.2899527}};
  std::vector<Setting> all;
  for (const bool by_patient : {true, false}) {
    for (const int patients : {5, 20, 40, 100}) {
      for (const double prevalence : {0.05, 0.2, 0.5}) {
        for (const auto& [auc, shift] : shifts) {
          for (const double correlation : {0.0, 0.2, 0.5}) {
            all.push_back({{patients, prevalence, shift, correlation, by_patient, 30}, auc});
          }
        }
      }
    }
  }
  return all;
}

struct Count {
  int64_t given = 0, covered = 0;
  void add(const std::optional<double>& low, const std::optional<double>& high, double truth) {
    if (!low || !high) return;
    ++given;
    covered += *low <= truth && truth <= *high;
  }
  void add(const Count& more) {
    given += more.given;
    covered += more.covered;
  }
  double percent() const {
    return 100.0 * static_cast<double>(covered) / static_cast<double>(std::max<int64_t>(1, given));
  }
};

struct Coverage {
  Count clustered, obuchowski, independent;
  void add(const Coverage& more) {
    clustered.add(more.clustered);
    obuchowski.add(more.obuchowski);
    independent.add(more.independent);
  }
};

Coverage coverage_of(const Setting& setting, uint64_t seed, int64_t runs, int64_t samples) {
  Coverage coverage;
  for (int64_t run = 0; run < runs; ++run) {
    Random random(derive_seed(seed, static_cast<uint64_t>(run)));
    const SimulatedRows rows = simulate(setting.simulation, random);
    const AucIntervals auc =
        auc_intervals(rows.scores, rows.labels, {rows.clusters}, {samples, 7}, {});
    const auto& [value, independent, clustered, obuchowski] = auc;
    const auto add = [&](Count& count, const std::optional<Interval>& interval) {
      if (interval) count.add(interval->low, interval->high, setting.auc);
    };
    if (!clustered) continue;  // where the honest one is not given, the naive one is not judged
    add(coverage.clustered, clustered);
    add(coverage.obuchowski, obuchowski);
    add(coverage.independent, independent);
  }
  return coverage;
}

TEST(Coverage, OfIntervalsIsWhatTheySay) {
  const char* asked = std::getenv("LAMELLA_COVERAGE_RUNS");
  const int64_t runs = asked ? std::atoll(asked) : 40;
  const int64_t samples = asked ? 1000 : 200;
  const std::vector<Setting> all = settings();
  std::vector<Coverage> found(all.size());
  parallel_for(static_cast<int64_t>(all.size()), available_threads(), [&](int64_t k, int) {
    const auto at = static_cast<size_t>(k);
    found[at] = coverage_of(all[at], derive_seed(11, at), runs, samples);
  });
  Coverage pooled;
  std::map<double, Coverage> by_auc, by_correlation;
  std::map<int, Coverage> by_patients;
  for (size_t k = 0; k < all.size(); ++k) {
    const Simulation& s = all[k].simulation;
    const Coverage& one = found[k];
    pooled.add(one);
    by_auc[all[k].auc].add(one);
    by_correlation[s.correlation].add(one);
    by_patients[s.patients].add(one);
    if (one.clustered.given == 0) continue;
    EXPECT_GT(s.patients, 5) << "too few for any interval";
    // Of so few runs one setting alone tells little: four standard errors.
    if (one.clustered.given >= 20) {
      EXPECT_GT(one.clustered.percent(), 81) << all[k].text();
    }
    if (!asked) continue;
    fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.1f} |\n", all[k].text(), one.clustered.given,
               one.clustered.percent(), one.obuchowski.percent(), one.independent.percent());
  }
  const auto check = [&](const Coverage& part, const std::string& name) {
    if (part.clustered.given == 0) return;
    fmt::print("{}: {} given, {:.1f} %; Obuchowski {:.1f} %; as if independent {:.1f} %\n", name,
               part.clustered.given, part.clustered.percent(), part.obuchowski.percent(),
               part.independent.percent());
    EXPECT_GE(part.clustered.percent(), 93) << name;
    EXPECT_LE(part.clustered.percent(), 97) << name;
  };
  check(pooled, "all");
  for (const auto& [auc, part] : by_auc) check(part, fmt::format("AUC {}", auc));
  for (const auto& [c, part] : by_correlation) check(part, fmt::format("correlation {}", c));
  for (const auto& [n, part] : by_patients) check(part, fmt::format("{} patients", n));
  EXPECT_LT(by_correlation.at(0.5).independent.percent(), 70)
      << "the naive one must be seen to fail";
}

}  // namespace
}  // namespace lamella::evaluation
