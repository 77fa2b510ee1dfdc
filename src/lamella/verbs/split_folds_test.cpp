// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/split_folds.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/base/random.h"

namespace lamella::verbs {
namespace {

class Split : public ::testing::Test {
 protected:
  // A slide whose rows have these labels; the first of two features tells them apart, not wholly.
  void add(const std::string& id, const std::string& patient, const std::vector<int>& labels) {
    storage::FeatureFile file;
    file.plan.slide_id = id;
    file.plan.classes = {{"a", "b"}};
    file.plan.spec = {.size_px = 8, .mpp = 1.0};
    file.plan.geometry.extent_x_px = file.plan.geometry.extent_y_px = 8;
    file.plan.geometry.effective_mpp = 1.0;
    file.features.columns = 2;
    file.features.feature_space = "foreign: net/8px@1.0000mpp";
    file.features.precision = "f32";
    for (const int label : labels) {
      const auto row = static_cast<int64_t>(file.plan.rows.size());
      file.plan.rows.push_back({8 * row, 0, 1, static_cast<int8_t>(label), 1});
      file.features.values.push_back(static_cast<float>(label + 0.8 * random_.normal()));
      file.features.values.push_back(static_cast<float>(random_.normal()));
      ++file.features.rows;
    }
    files_.push_back(std::move(file));
    train_.patients[id] = patient;
  }

  SplitEvaluation evaluate(const SplitOptions& options,
                           const std::map<std::string, int>& fold_of = {}) {
    Context context;
    context.warning = [this](const std::string& text) { warnings_ += text + "\n"; };
    return evaluate_by_split({files_, train_, {}, fold_of}, options, context);
  }

  std::vector<storage::FeatureFile> files_;
  TrainFeaturesOptions train_;
  std::string warnings_;
  Random random_{9};
};

const std::vector<int> kBoth = {0, 1, 0, 1, 0, 1, 0, 1}, kOne = {0, 0, 0, 0, 0, 0};

TEST_F(Split, AFoldWhoseRestLacksAClassIsLeftOutAndNamed) {
  add("s1", "only", kBoth);
  add("s2", "q", kOne);
  add("s3", "r", kOne);
  train_.train.lambda = 0.1;
  const SplitEvaluation made = evaluate({.kind = SplitKind::kPatients});
  ASSERT_EQ(made.folds.size(), 2u);  // those of one class, tested by a model of both
  EXPECT_EQ(made.folds[0].name, "patient q");
  EXPECT_EQ(made.folds[0].metrics.n, 6);
  EXPECT_FALSE(made.folds[0].metrics.last().auc) << "no row of the other class";
  EXPECT_NE(warnings_.find("patient only is left out: the rest has no rows of class b"),
            std::string::npos)
      << warnings_;
  EXPECT_EQ(made.pooled.all.n, 12);
  EXPECT_EQ(made.truths[0].plan.rows[0].label, patch::kNoLabel) << "was tested by no model";
}

TEST_F(Split, OneClassEverywhereIsRefused) {
  add("s1", "p", kOne);
  add("s2", "q", kOne);
  train_.train.lambda = 0.1;
  EXPECT_THROW(evaluate({.kind = SplitKind::kPatients}), Error);
}

TEST_F(Split, OnePatientIsRefused) {
  add("s1", "p", kBoth);
  EXPECT_THROW(evaluate({.kind = SplitKind::kFolds}), Error);
}

TEST_F(Split, FoldsAreThoseThatAreGiven) {
  for (const char* patient : {"p", "q", "r", "s", "t", "u"}) {
    add(std::string("of_") + patient, patient, kBoth);
  }
  train_.train.lambdas = {0.1, 1};
  const SplitOptions options{.kind = SplitKind::kFolds, .folds = 2};
  const SplitEvaluation own = evaluate(options);
  ASSERT_EQ(own.fold_of.size(), 6u);
  for (const SplitFold& fold : own.folds) {
    ASSERT_TRUE(fold.held_out_log_loss && fold.held_out_auc);
    EXPECT_GT(*fold.held_out_log_loss, 0);
    EXPECT_GT(*fold.held_out_auc, 0.5) << "the first feature tells the classes apart";
  }
  std::map<std::string, int> other = {{"p", 0}, {"q", 0}, {"r", 0}, {"s", 1}, {"t", 1}, {"u", 1}};
  const SplitEvaluation made = evaluate(options, other);
  EXPECT_EQ(made.fold_of, other);
  EXPECT_EQ(made.folds[0].patients, (std::vector<std::string>{"p", "q", "r"}));
  // Nobody whom these folds do not have, and no fold that there is not.
  EXPECT_EQ(evaluate(options, {{"nobody", 1}, {"p", 7}}).fold_of, own.fold_of);
}

}  // namespace
}  // namespace lamella::verbs
