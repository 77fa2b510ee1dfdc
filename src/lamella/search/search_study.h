// SPDX-License-Identifier: Apache-2.0
// The verb search: a study under many combinations of its options.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"
#include "lamella/study/study_file.h"

namespace lamella::search {

struct SearchResult {
  record::RunDocument record;  // as it is on disk
  std::string run_folder;
  std::string report;     // path, "" where none could be made
  std::string model;      // folder of the chosen trial's model
  nlohmann::json mlflow;  // where it was sent, null if nowhere

  int64_t count(const std::string& status) const;  // of trials
  // Every trial was done.
  bool all_done() const;
};

// Makes every trial of [search] on the slides to train on alone: plan, encode, and the
// cross-validation that chooses the penalty by patients. The trial that is best by the held-out
// rows is then run whole, once: its model, and the figures of the slides to test on. With [split]
// the choice is made anew without each fold, and the figures of the folds are those of the trials
// chosen without them.
// Pieces are found again as in any run: trials share masks, and those whose features are the same
// share them. The trials' records lie in their own outputs, that of the search, with search.csv
// beside it, in the study's; at MLflow the trials are nested in it.
// A trial that fails, or fails on a slide, is told and left out; the search goes on. Errors:
// search_trials'; kInvalidArgument: no trial was done; run_study's for the chosen one; kInterrupted
// (what is finished is found again).
// client: MLflow's own in the calling process, if it is loaded there.
SearchResult search_study(const study::Study& study, const mlflow::CallingClient& client,
                          const Context& context);

nlohmann::json to_json(const SearchResult& result);

}  // namespace lamella::search
