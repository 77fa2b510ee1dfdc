// SPDX-License-Identifier: Apache-2.0
// Scores against labels, as values or as files: ours, or any program's tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/details.h"
#include "lamella/evaluation/intervals.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/model/model.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::verbs {

struct NamedScores {
  std::string slide_id;  // matched without regard to case
  std::string source;    // for errors: a path
  heatmap::ScoredPatches patches;
};

struct Truth {
  std::string source;
  patch::PatchPlan plan;
};

struct EvaluateOptions {
  // slide_id (lower case) -> patient_id; empty: not known. A slide that is not named is its own
  // patient.
  std::map<std::string, std::string> patients = {};
  std::vector<evaluation::Thresholds> thresholds = {};  // of each class of the scores, or none
  bool intervals = true;                                // by patients, slides or blocks
  evaluation::ResamplingOptions resampling = {};
};

// Labelled rows of one or more slides.
struct JoinedRows {
  feature::ScoreMatrix scores;
  std::vector<int8_t> labels;
  evaluation::RowOrigins origins;
  evaluation::PlacedRows places;
};

struct Evaluation {
  evaluation::ClassMetrics all;                              // pooled over the slides
  std::map<std::string, evaluation::ClassMetrics> patients;  // pooled over the slides of each
  evaluation::Details details;
};

// Rows are matched by slide (the scores file's name against the plan's slide id, without regard to
// case) and position. Plan rows without label are left out; one position that stands twice with one
// label counts once, which is warned about; so are rows that could not be read when the slide was
// scored (`on_damage`), which are left out. Error kMismatch: another labelled row without score, a
// position with two labels or two scores, a slide in one list only (named), scores and plans of
// other classes.
JoinedRows join_rows(const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
                     const EvaluateOptions& options, const Context& context);
Evaluation evaluate_rows(const JoinedRows& rows, const EvaluateOptions& options,
                         const Context& context);
Evaluation evaluate_scores(const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
                           const EvaluateOptions& options, const Context& context);

// The labels of a file: a plan, or a table of any program (see storage::read_label_table), whose
// slide is the one of its own name unless it names slides. classes: of the scores.
std::vector<Truth> read_truth(const std::string& path, const ClassTable& classes,
                              const Context& context);
// By their names; see storage::read_any_scores.
std::vector<NamedScores> read_named_scores(const std::vector<std::string>& paths,
                                           const Context& context);

// Error kInvalidArgument, naming `path`, where the model has none, since no rows were held out in
// its training.
const std::vector<evaluation::Thresholds>& thresholds_of(const model::Model& model,
                                                         const std::string& path);

struct EvaluateFiles {
  std::vector<std::string> scores, truth;
  std::string groups_csv{};            // slide_id,patient_id; "": not known
  std::vector<std::string> against{};  // scores of another run on the same rows; may be empty
  std::string model{};                 // folder of the one whose thresholds are used; "": none are
};
struct FilesEvaluation {
  Evaluation evaluation;
  // Figures of each class by `scores` less those by `against`, paired; of two classes the last.
  std::map<std::string, evaluation::Differences> differences;
};
// against: may be empty. Error as evaluate_scores'; kMismatch: other classes.
FilesEvaluation evaluate_against(const std::vector<NamedScores>& scores,
                                 const std::vector<Truth>& truths,
                                 const std::vector<NamedScores>& against,
                                 const EvaluateOptions& options, const Context& context);
FilesEvaluation evaluate_files(const EvaluateFiles& files, const EvaluateOptions& options,
                               const Context& context);

}  // namespace lamella::verbs
