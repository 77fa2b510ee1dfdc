// SPDX-License-Identifier: Apache-2.0
// The verb search: a study under many combinations of its options.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"
#include "lamella/search/trial_job.h"
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

// The same in parts, for who makes trials elsewhere, many at a time. What is ended by neither
// finish nor fail is recorded as failed.
class StartedSearch {
 public:
  // The record, and the search's run at the MLflow server, are there then. Errors as
  // search_study's.
  StartedSearch(const study::Study& study, const mlflow::CallingClient& client,
                const Context& context);
  ~StartedSearch();
  StartedSearch(const StartedSearch&) = delete;
  StartedSearch& operator=(const StartedSearch&) = delete;
  // The next trial to be made, in their order: of those that share features one at a time, and with
  // k-fold nothing beside the first that is done, whose folds are those of all. nullopt: none
  // before another has ended, or, where none goes on, none at all. Error kInterrupted.
  std::optional<TrialJob> begin(const Context& context);
  // What came of a trial that was begun.
  void end(TrialResult result, const Context& context);
  // For run_trial in this process: says which trial it is, and its warnings, which are in its own
  // record, once whichever trial they are of.
  Context context_of(const TrialJob& job, const Context& context);
  // The study of the chosen trial's whole run, once no trial is left, for who makes its pieces
  // elsewhere (its masks belong into the search's output). nullopt: none was done.
  std::optional<study::Study> chosen() const;
  // The choice, and the chosen trial's whole run. To be called once.
  SearchResult finish(const Context& context);
  // Of what came between; interrupted: its user ended it. Nothing after an end.
  void fail(const std::string& message, bool interrupted, const Context& context);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

nlohmann::json to_json(const SearchResult& result);

}  // namespace lamella::search
