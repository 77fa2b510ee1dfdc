// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/compare_runs.h"

#include <gtest/gtest.h>

namespace lamella::record {
namespace {

RunDocument run() {
  RunDocument run;
  run.inputs = {{.kind = "slide", .path = "/a/T1.tif", .fingerprint = "f1", .slide_id = "T1"},
                {.kind = "slide", .path = "/a/T2.tif", .fingerprint = "f2", .slide_id = "T2"}};
  run.options = {{"name", "s"}, {"output", "x"}, {"train", {{"l2", "cv"}}}};
  run.training.emplace().trials = {{0.1, 0.5, {}}, {1, 0.25, {}}};
  run.metrics["test"].per_class.emplace_back().auc = 0.75;
  run.times["encode"] = 3;
  return run;
}

TEST(CompareRuns, SaysNothingOfEqualRuns) {
  RunDocument other = run();
  other.times["encode"] = 4;
  other.options["output"] = "y";
  other.inputs[0].path = "/b/T1.tif";
  std::swap(other.inputs[0], other.inputs[1]);  // matched by name, not by place
  const Comparison comparison = compare_runs(run(), other);
  EXPECT_TRUE(comparison.differences.empty());
  EXPECT_TRUE(comparison.inputs_equal() && comparison.outputs_equal());
}

TEST(CompareRuns, NamesInputsBeforeOutputs) {
  RunDocument other = run();
  other.metrics["test"].per_class.back().auc = 0.5;
  other.training->trials[1].mean_log_loss = 0.5;
  other.options["train"]["l2"] = 0.1;
  other.inputs[1].fingerprint = "f3";
  other.inputs.push_back({.kind = "slide", .path = "p", .slide_id = "T3"});
  const Comparison comparison = compare_runs(run(), other);
  std::vector<std::string> names;
  for (const Difference& difference : comparison.differences) names.push_back(difference.name);
  EXPECT_EQ(names, (std::vector<std::string>{"inputs.slide T2.fingerprint", "inputs.slide T3",
                                             "study.train.l2", "training.trials[1].mean_log_loss",
                                             "metrics.test.auc"}));
  EXPECT_FALSE(comparison.inputs_equal());
  EXPECT_FALSE(comparison.outputs_equal());
  EXPECT_EQ(comparison.differences[4].by, -0.25);
  EXPECT_EQ(to_text(comparison.differences[4]), "metrics.test.auc: 0.75 against 0.5 (by -0.25)");
  EXPECT_EQ(to_text(comparison.differences[2]), "study.train.l2: \"cv\" against 0.1");
}

// A part that only one has differs in one line.
TEST(CompareRuns, NamesAPartThatIsMissing) {
  RunDocument other = run();
  other.training.reset();
  other.metrics.clear();
  std::vector<std::string> names;
  for (const Difference& difference : compare_runs(run(), other).differences) {
    names.push_back(difference.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"training", "metrics"}));
}

}  // namespace
}  // namespace lamella::record
