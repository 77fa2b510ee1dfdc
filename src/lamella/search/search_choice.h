// SPDX-License-Identifier: Apache-2.0
// What a search makes of its trials: which is best, and what the choosing itself comes to on
// patients that it has not seen.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"
#include "lamella/verbs/search_options.h"
#include "lamella/verbs/split_folds.h"

namespace lamella::search {

// The number of the best trial that is done: of the least log loss, or of the greatest AUC; of
// equal ones the first. nullopt: none is done.
std::optional<size_t> best_trial(const std::vector<record::SearchTrial>& trials,
                                 verbs::SearchBy by);

// By trial: its training slides, tested in turn.
using TurnsOfTrials = std::map<size_t, verbs::SplitEvaluation>;

struct NestedChoice {
  std::vector<record::SearchFold> folds;
  verbs::Evaluation pooled;  // of each fold's rows by the trial chosen without them
};

// For each fold the trial that was best within the rest of it. All trials must have parted whole
// patients or sites in the same way; folds that no trial could train are left out. nullopt: there
// are none.
std::optional<NestedChoice> choose_in_turn(const std::vector<record::SearchTrial>& trials,
                                           const TurnsOfTrials& turns, verbs::SearchBy by,
                                           const verbs::EvaluateOptions& options,
                                           const Context& context);

}  // namespace lamella::search
