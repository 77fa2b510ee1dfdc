// SPDX-License-Identifier: Apache-2.0
// All verbs for a study, over its cohort. One bad slide neither stops the rest nor disappears.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/study/slides_table.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

// A piece that was there, and is not what is wanted any more.
struct Remade {
  std::string piece;             // "plans/labelled", "features/grid", "heatmaps"
  std::vector<std::string> why;  // see storage::changes()
};

struct SlideOutcome {
  std::string slide_id;
  Role role = Role::kScore;
  bool done = false;
  std::string error;            // of a slide that failed: path, what, what to do
  int64_t patches = 0;          // encoded or found finished, labelled and grid together
  int64_t patches_reused = 0;   // of these, found finished
  int64_t patches_resumed = 0;  // of these, done before by a run that was killed amid a slide
  std::vector<Remade> remade;   // what was finished, and had to be made again
  double seconds = 0;
  std::optional<double> slide_score;  // mean of the highest 1 % of the grid's scores
  std::string heatmap;                // path of the overlay PNG, "" if none
};

struct StudyResult {
  std::string run_id;
  std::string run_folder;
  std::map<std::string, evaluation::ClassMetrics>
      metrics;                            // "train", "test" (labelled rows, pooled)
  std::vector<SlideOutcome> slides;       // in the table's order
  std::map<std::string, double> seconds;  // plan, encode, train, score, map
  double compile_seconds = 0;
  double lambda = 0;
  std::string precision;
  std::vector<std::string> warnings;
  nlohmann::json mlflow;  // where it was sent, null if nowhere

  bool all_done() const;
};

struct RunOptions {
  bool full_hash = false;  // SHA-256 of whole slides in the record, not only fingerprints
};

// Finished pieces (their stored key matches their inputs and options) are not computed again.
// One run at a time in an output folder: Error kIo says which process holds it.
// Error: what concerns the whole study (leaks, mixed scales, labels of one class, output folder
// not writable, encoder missing). What concerns one slide is in its outcome.
// Error kInterrupted when cancelled; what is finished stays and is found by the next call.
// The run's record and log are written as the run goes on, see tracking::RunRecord.
StudyResult run_study(const Study& study, const RunOptions& options, const Context& context);

// {"run_id", "run_dir", "metrics", "slides", "seconds", ...} as the command line prints it.
nlohmann::json to_json(const StudyResult& result);
nlohmann::json to_json(const evaluation::Metrics& metrics);
// Of two classes the figures of the last one, of more "macro_auc" and "accuracy"; of all "n",
// "log_loss", "confusion" ([class of the row][most likely class]) and "classes", the figures of
// each against the rest by its name.
nlohmann::json to_json(const evaluation::ClassMetrics& metrics);
nlohmann::json to_json(const SlideOutcome& slide);

}  // namespace lamella::study
