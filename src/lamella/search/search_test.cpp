// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/search/search_choice.h"
#include "lamella/search/search_study.h"
#include "lamella/search/search_table_internal.h"
#include "lamella/search/search_trials.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::search {
namespace {

constexpr const char* kStudy = R"(name = "s"
output = "out"
[slides]
table = "slides.csv"
[patches]
size_px = 50
mpp = 1
[classes]
normal = { centers = ["normal.txt"] }
tumor = { centers = ["tumor.txt"] }
[train]
l2 = "cv"
[search]
)";

class Search : public ::testing::Test {
 protected:
  study::Study study(const std::string& search,
                     const std::vector<std::string>& overrides = {}) const {
    return study::parse_study(kStudy + search, folder_.path() + "/s.toml", overrides,
                              folder_.path());
  }
  std::vector<std::string> names(const std::string& search) const {
    std::vector<std::string> found;
    for (const auto& trial : search_trials(study(search)).trials) found.push_back(trial.name);
    return found;
  }
  std::string message_of(const std::string& search,
                         const std::vector<std::string>& overrides = {}) const {
    try {
      search_trials(study(search, overrides));
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing was thrown";
  }
  static bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Search, AGridIsEveryCombination) {
  const SearchTrials made =
      search_trials(study("mpp = [1, 2]\nsize_px = [32, 64]\nl1_ratio = [0, 0.5]\n"));
  ASSERT_EQ(made.trials.size(), 8u);
  EXPECT_EQ(made.left_out, 0);
  const record::SearchTrial& first = made.trials[0];
  EXPECT_EQ(first.name, "mpp 1, 32 px, l1 ratio 0");
  EXPECT_EQ(first.set,
            (std::vector<std::string>{"patches.mpp=1", "patches.size_px=32", "train.l1_ratio=0"}));
  EXPECT_EQ(first.output, folder_.path() + "/out/search/mpp1_32px");
  EXPECT_EQ(first.status, "not begun");
  // What differs in the classifier alone has the same features.
  EXPECT_EQ(made.trials[1].name, "mpp 1, 32 px, l1 ratio 0.5");
  EXPECT_EQ(made.trials[1].output, first.output);
  EXPECT_EQ(made.trials[7].name, "mpp 2, 64 px, l1 ratio 0.5");
  std::set<std::string> outputs;
  for (const auto& trial : made.trials) outputs.insert(trial.output);
  EXPECT_EQ(outputs.size(), 4u);
}

TEST_F(Search, ATrialIsAStudyOfItsOwn) {
  const study::Study whole =
      study("mpp = [2]\n",
            {"tracking.register=m", "tracking.alias=a", "tracking.mlflow=http://localhost:1",
             "controls.colour_only=true", "split.kind=k-fold"});
  const record::SearchTrial trial = search_trials(whole).trials.at(0);
  const study::Study own = study_of_trial(whole, trial, false);
  EXPECT_EQ(own.plans.patches.mpp, 2);
  EXPECT_EQ(own.plans.patches.size_px, 50);
  EXPECT_EQ(own.output, trial.output);
  EXPECT_EQ(own.name, "s");
  EXPECT_EQ(own.tracking.register_model, "");
  EXPECT_TRUE(own.learning.controls.names().empty());
  EXPECT_EQ(own.learning.split.kind, verbs::SplitKind::kFolds);
  const study::Study chosen = study_of_trial(whole, trial, true);
  EXPECT_EQ(chosen.tracking.register_model, "m");
  EXPECT_EQ(chosen.learning.controls.names(), std::vector<std::string>{"colour_only"});
  EXPECT_EQ(chosen.learning.split.kind, verbs::SplitKind::kRoles);
}

TEST_F(Search, RandomOnesAreOfTheGridAndDependOnTheSeedAlone) {
  const std::string lists = "mpp = [1, 2, 3, 4, 5, 6]\nsize_px = [32, 64, 96, 128]\n";
  const auto all = names(lists);
  const auto some = names(lists + "draw = \"random\"\ntrials = 5\nseed = 7\n");
  ASSERT_EQ(some.size(), 5u);
  EXPECT_EQ(std::set<std::string>(some.begin(), some.end()).size(), 5u);
  for (const std::string& name : some) EXPECT_EQ(std::ranges::count(all, name), 1) << name;
  EXPECT_EQ(some, names(lists + "draw = \"random\"\ntrials = 5\nseed = 7\n"));
  EXPECT_NE(some, names(lists + "draw = \"random\"\ntrials = 5\nseed = 8\n"));
  EXPECT_EQ(names(lists + "draw = \"random\"\n").size(), 20u);
  EXPECT_EQ(names("mpp = [1, 2]\ndraw = \"random\"\ntrials = 9\n").size(), 2u);
  const SearchTrials cut = search_trials(study(lists + "trials = 3\n"));
  EXPECT_EQ(cut.trials.size(), 3u);
  EXPECT_EQ(cut.left_out, 21);
}

TEST_F(Search, RefusesWhatIsNoSearch) {
  EXPECT_TRUE(says(message_of(""), "nothing to search"));
  EXPECT_TRUE(says(message_of("mpp = []\n"), "nothing to search"));
  EXPECT_TRUE(says(message_of("mpps = [1]\n"), "unknown key 'search.mpps' (did you mean 'mpp'?)"));
  EXPECT_TRUE(says(message_of("mpp = [1, 2, 1]\n"), "search.mpp: found 1 twice"));
  EXPECT_TRUE(says(message_of("mpp = [0]\n"), "search.mpp"));
  EXPECT_TRUE(says(message_of("size_px = [50.5]\n"), "whole numbers"));
  EXPECT_TRUE(says(message_of("l1_ratio = [2]\n"), "0 to 1"));
  EXPECT_TRUE(says(message_of("mpp = [1]\ntrials = 0\n"), "search.trials"));
  EXPECT_TRUE(says(message_of("mpp = [1]\nhours = 0\n"), "search.hours"));
  EXPECT_TRUE(says(message_of("mpp = [1]\nby = \"loss\"\n"), "log_loss or auc"));
  EXPECT_TRUE(says(message_of("views = [\"1,x\"]\n"), "search.views: found '1,x'"));
  EXPECT_TRUE(says(message_of("encoder = [\"no-such\"]\n"), "no-such"));
  EXPECT_TRUE(says(message_of("mpp = [1]\n", {"train.l2=0.1"}), "train.l2"));
  std::string many = "mpp = [";
  for (int k = 1; k <= 400; ++k) many += std::to_string(k) + ",";
  many += "]\nsize_px = [";
  for (int k = 1; k <= 400; ++k) many += std::to_string(k) + ",";
  EXPECT_TRUE(says(message_of(many + "]\n"), "more than 100000 combinations"));
}

TEST_F(Search, AScaleCannotBeSearchedForPatchesByLevel) {
  std::string text = kStudy;
  text.replace(text.find("mpp = 1"), 7, "level = 0");
  const study::Study by_level =
      study::parse_study(text + "mpp = [1]\n", folder_.path() + "/s.toml", {}, folder_.path());
  EXPECT_THROW(search_trials(by_level), Error);
}

class Started : public Search {
 protected:
  Started() {
    io::write_file_atomic(folder_.path() + "/slides.csv",
                          "slide_id,path,patient_id,role\na,a.tif,p,train\nb,b.tif,q,train\n");
  }
  static void end_done(StartedSearch& search, const TrialJob& job) {
    TrialResult result{job.place, job.trial, {}};
    result.trial.status = "done";
    result.trial.log_loss = 0.5;
    result.in_turn.folds.emplace_back();
    result.in_turn.fold_of = {{"p", 1}, {"q", 0}};
    search.end(std::move(result), {});
  }
  std::string status() const {
    const auto runs = std::filesystem::directory_iterator(folder_.path() + "/out/runs");
    const auto text = io::read_text_file(begin(runs)->path().string() + "/run.json");
    return nlohmann::json::parse(text).at("status");
  }
};

TEST_F(Started, TrialsOfOneOutputComeOneAfterAnother) {
  StartedSearch search(study("mpp = [1, 2]\nl1_ratio = [0, 0.5]\n"), {}, {});
  const auto first = search.begin({});
  const auto second = search.begin({});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->trial.name, "mpp 1, l1 ratio 0");
  EXPECT_EQ(second->trial.name, "mpp 2, l1 ratio 0");
  EXPECT_EQ(second->study.output, folder_.path() + "/out/search/mpp2");
  EXPECT_EQ(second->options.tissue_output, folder_.path() + "/out");
  EXPECT_EQ(second->options.trial_of->name, second->trial.name);
  EXPECT_FALSE(search.begin({}));  // the others wait
  end_done(search, *second);
  EXPECT_EQ(search.begin({})->trial.name, "mpp 2, l1 ratio 0.5");
  EXPECT_FALSE(search.begin({}));
  TrialResult failed{first->place, first->trial, {}};
  failed.trial.status = "failed";
  failed.trial.error = "why";
  search.end(failed, {});
  EXPECT_EQ(search.begin({})->trial.name, "mpp 1, l1 ratio 0.5");
  EXPECT_FALSE(search.begin({}));
  EXPECT_EQ(search.chosen()->plans.patches.mpp, 2);
  search.fail("the cluster went away", true, {});
  EXPECT_EQ(status(), "KILLED");
  search.fail("and more", false, {});
  EXPECT_EQ(status(), "KILLED");
}

TEST_F(Started, FoldsAreThoseOfTheFirstTrialThatIsDone) {
  StartedSearch search(study("mpp = [1, 2, 3]\n", {"split.kind=k-fold"}), {}, {});
  const auto first = search.begin({});
  ASSERT_TRUE(first);
  EXPECT_FALSE(search.begin({}));
  TrialResult failed{first->place, first->trial, {}};
  failed.trial.status = "failed";
  failed.trial.error = "why";
  search.end(failed, {});
  const auto second = search.begin({});
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->options.fold_of.empty());
  EXPECT_FALSE(search.begin({}));
  end_done(search, *second);
  EXPECT_EQ(search.begin({})->options.fold_of, (std::map<std::string, int>{{"p", 1}, {"q", 0}}));
}

TEST_F(Started, NoTrialBeginsAfterItsHours) {
  StartedSearch search(study("mpp = [1, 2, 3]\nhours = 1e-9\n"), {}, {});
  EXPECT_TRUE(search.begin({}));
  std::vector<std::string> said;
  Context context;
  context.warning = [&](const std::string& text) { said.push_back(text); };
  EXPECT_FALSE(search.begin(context));
  EXPECT_FALSE(search.begin(context));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(says(said[0], "2 of 3 trials were not begun"));
  EXPECT_FALSE(search.chosen());
}

TEST(RunTrial, WithoutItsEncoderIsOneThatFailed) {
  TrialJob job;
  job.study.encoder.name = "no-such";
  EXPECT_TRUE(run_trial(job, {}).trial.error);
  EXPECT_EQ(run_trial(job, {}).trial.status, "failed");
}

record::SearchTrial done(const std::string& name, double log_loss, double auc) {
  record::SearchTrial trial;
  trial.name = name;
  trial.status = "done";
  trial.log_loss = log_loss;
  trial.auc = auc;
  return trial;
}

TEST(SearchChoice, IsByTheFigureAskedForAndTheFirstOfEquals) {
  std::vector<record::SearchTrial> trials = {done("a", 0.4, 0.8), done("b", 0.3, 0.7),
                                             done("c", 0.3, 0.9), done("d", 0.1, 0.95)};
  trials[3].status = "failed";
  EXPECT_EQ(best_trial(trials, verbs::SearchBy::kLogLoss), 1u);
  EXPECT_EQ(best_trial(trials, verbs::SearchBy::kAuc), 2u);
  for (auto& trial : trials) trial.status = "failed";
  EXPECT_FALSE(best_trial(trials, verbs::SearchBy::kAuc));
}

// A slide whose four rows, 0 1 0 1, have these scores of the second class.
void add_slide(verbs::SplitEvaluation& turn, const std::string& name,
               const std::vector<float>& scores) {
  patch::PatchPlan plan;
  plan.slide_id = name;
  plan.classes = {{"normal", "tumor"}};
  feature::ScoreMatrix matrix{plan.classes, {}};
  for (size_t k = 0; k < scores.size(); ++k) {
    plan.rows.push_back({static_cast<int64_t>(k), 0, 1, static_cast<int8_t>(k % 2), 1});
    matrix.values.insert(matrix.values.end(), {1 - scores[k], scores[k]});
  }
  turn.scores.push_back({name, name, heatmap::scored_patches(plan, matrix)});
  turn.truths.push_back({name, plan});
}

verbs::SplitFold fold_of(const std::string& name, const std::string& slide, double inner) {
  verbs::SplitFold fold;
  fold.name = name;
  fold.slides = {slide};
  fold.held_out_log_loss = inner;
  return fold;
}

TEST(SearchChoice, OfAFoldIsMadeWithoutIt) {
  // Trial 0 is best without fold 1, trial 1 without fold 2, though each does ill on it.
  TurnsOfTrials turns;
  turns[0].folds = {fold_of("fold 1", "a", 0.1), fold_of("fold 2", "b", 0.9)};
  add_slide(turns[0], "a", {0.9f, 0.1f, 0.8f, 0.2f});
  add_slide(turns[0], "b", {0.1f, 0.9f, 0.2f, 0.8f});
  turns[1].folds = {fold_of("fold 1", "a", 0.2), fold_of("fold 2", "b", 0.3)};
  add_slide(turns[1], "a", {0.1f, 0.9f, 0.2f, 0.8f});
  add_slide(turns[1], "b", {0.9f, 0.1f, 0.8f, 0.2f});
  const auto made = choose_in_turn({done("x", 0.5, 0.5), done("y", 0.6, 0.5)}, turns,
                                   verbs::SearchBy::kLogLoss, {}, {});
  ASSERT_TRUE(made);
  ASSERT_EQ(made->folds.size(), 2u);
  EXPECT_EQ(made->folds[0].name, "fold 1");
  EXPECT_EQ(made->folds[0].trial, "x");
  EXPECT_EQ(made->folds[1].trial, "y");
  EXPECT_EQ(made->pooled.all.n, 8);
  EXPECT_DOUBLE_EQ(made->pooled.all.macro_auc.value(), 0);  // every pair is the wrong way round
  EXPECT_FALSE(choose_in_turn({}, {}, verbs::SearchBy::kLogLoss, {}, {}));
}

TEST(SearchTable, QuotesWhatHasCommas) {
  record::Search search;
  search.trials = {done("mpp 1, 32 px", 0.25, 0.5), {}};
  search.trials[0].run_id = "r";
  search.trials[0].patches = 12;
  search.trials[1].name = "b";
  search.trials[1].error = "a \"word\"";
  EXPECT_EQ(search_table(search),
            "trial,status,log_loss,auc,lambda,patches,seconds,run_id,output,error\n"
            "\"mpp 1, 32 px\",done,0.25,0.5,,12,0.000,r,,\n"
            "b,not begun,,,,0,0.000,,,\"a \"\"word\"\"\"\n");
}

}  // namespace
}  // namespace lamella::search
