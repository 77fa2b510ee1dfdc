// SPDX-License-Identifier: Apache-2.0
// All verbs for a study, over its cohort. One bad slide neither stops the rest nor disappears.
#pragma once

#include <map>
#include <memory>
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
  mlflow::CallingClient client{};
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

// The same in two parts, for who makes pieces elsewhere in between: the record, and the run at the
// MLflow server, are there from the beginning, with their real times. What is ended by neither
// finish nor fail is recorded as failed.
class StartedRun {
 public:
  // Errors as run_study's.
  StartedRun(const Study& study, const RunOptions& options, const Context& context);
  ~StartedRun();
  StartedRun(const StartedRun&) = delete;
  StartedRun& operator=(const StartedRun&) = delete;
  const std::string& run_folder() const;
  // elsewhere: seconds that went by before, by their step's name. To be called once.
  StudyResult finish(const std::map<std::string, double>& elsewhere, const Context& context);
  // Of what came between; interrupted: its user ended it.
  void fail(const std::string& message, bool interrupted, const Context& context);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// {"run_id", "run_dir", "metrics", "slides", "seconds", ...} as the command line prints it.
nlohmann::json to_json(const StudyResult& result);

}  // namespace lamella::study
