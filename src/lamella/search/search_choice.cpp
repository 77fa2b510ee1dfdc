// SPDX-License-Identifier: Apache-2.0
#include "lamella/search/search_choice.h"

#include <algorithm>
#include <set>

#include "lamella/base/text.h"

namespace lamella::search {

namespace {

// Whether `figure` is better than the best so far.
bool better(const std::optional<double>& figure, const std::optional<double>& best,
            verbs::SearchBy by) {
  if (!figure) return false;
  if (!best) return true;
  return by == verbs::SearchBy::kAuc ? *figure > *best : *figure < *best;
}

struct FoldChoice {
  size_t trial = 0;
  const verbs::SplitFold* fold = nullptr;
};

// Names of folds in the order in which they first come.
std::vector<std::string> fold_names(const TurnsOfTrials& turns) {
  std::vector<std::string> names;
  for (const auto& [trial, turn] : turns) {
    for (const verbs::SplitFold& fold : turn.folds) {
      if (std::ranges::count(names, fold.name) == 0) names.push_back(fold.name);
    }
  }
  std::ranges::sort(names, {}, [](const std::string& name) {
    return std::pair(name.size(), name);  // "fold 10" after "fold 9"
  });
  return names;
}

std::optional<FoldChoice> choose_fold(const TurnsOfTrials& turns, const std::string& name,
                                      verbs::SearchBy by) {
  std::optional<FoldChoice> chosen;
  std::optional<double> best;
  for (const auto& [trial, turn] : turns) {
    for (const verbs::SplitFold& fold : turn.folds) {
      if (fold.name != name) continue;
      const auto& figure = by == verbs::SearchBy::kAuc ? fold.held_out_auc : fold.held_out_log_loss;
      if (!better(figure, best, by)) continue;
      best = figure;
      chosen = {trial, &fold};
    }
  }
  return chosen;
}

}  // namespace

std::optional<size_t> best_trial(const std::vector<record::SearchTrial>& trials,
                                 verbs::SearchBy by) {
  std::optional<size_t> chosen;
  std::optional<double> best;
  for (size_t k = 0; k < trials.size(); ++k) {
    if (trials[k].status != "done") continue;
    const auto& figure = by == verbs::SearchBy::kAuc ? trials[k].auc : trials[k].log_loss;
    if (!better(figure, best, by)) continue;
    best = figure;
    chosen = k;
  }
  return chosen;
}

std::optional<NestedChoice> choose_in_turn(const std::vector<record::SearchTrial>& trials,
                                           const TurnsOfTrials& turns, verbs::SearchBy by,
                                           const verbs::EvaluateOptions& options,
                                           const Context& context) {
  NestedChoice made;
  std::vector<verbs::NamedScores> scores;
  std::vector<verbs::Truth> truths;
  for (const std::string& name : fold_names(turns)) {
    const auto chosen = choose_fold(turns, name, by);
    if (!chosen) continue;
    const verbs::SplitEvaluation& turn = turns.at(chosen->trial);
    made.folds.push_back({name, trials[chosen->trial].name, chosen->fold->metrics.log_loss,
                          chosen->fold->metrics.macro_auc});
    const std::set<std::string> slides(chosen->fold->slides.begin(), chosen->fold->slides.end());
    for (size_t k = 0; k < turn.truths.size(); ++k) {
      if (!slides.contains(turn.truths[k].plan.slide_id)) continue;
      scores.push_back(turn.scores[k]);
      truths.push_back(turn.truths[k]);
    }
  }
  if (made.folds.empty()) return {};
  made.pooled = verbs::evaluate_scores(scores, truths, options, context);
  return made;
}

}  // namespace lamella::search
