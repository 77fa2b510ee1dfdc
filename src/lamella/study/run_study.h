// SPDX-License-Identifier: Apache-2.0
// All verbs for a study, over its cohort. One bad slide neither stops the rest nor disappears.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/record/run_document.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

struct StudyResult {
  record::RunDocument record;  // as it is on disk; outcomes in the table's order
  std::string run_folder;
  std::string report;  // path, "" where none could be made
  double compile_seconds = 0;
  nlohmann::json mlflow;           // where it was sent, null if nowhere
  verbs::SplitEvaluation in_turn;  // with [split]; empty without

  bool all_done() const;
  bool left_out() const;  // patches of some slide
};

struct RunOptions {
  bool full_hash = false;  // SHA-256 of whole slides in the record, not only fingerprints
  // Part of a search. A trial that is not `whole` leaves alone the slides to test on and to score.
  std::optional<record::TrialOf> trial_of = {};
  std::map<std::string, int> fold_of = {};  // see verbs::SplitInputs
  std::string tissue_output = {};           // folder of the masks; "": the study's output
};

// Finished pieces (their stored key matches their inputs and options) are not computed again.
// One run at a time in an output folder: Error kIo says which process holds it.
// Error: what concerns the whole study (leaks, mixed scales, labels of one class, output folder
// not writable, encoder missing). What concerns one slide is in its outcome.
// Error kInterrupted when cancelled; what is finished stays and is found by the next call.
// The run's record and log are written as the run goes on, see record::RunRecord.
StudyResult run_study(const Study& study, const RunOptions& options, const Context& context);

// {"run_id", "run_dir", "metrics", "slides", "seconds", ...} as the command line prints it.
nlohmann::json to_json(const StudyResult& result);

}  // namespace lamella::study
