// SPDX-License-Identifier: Apache-2.0
// Scores against plans with labels, as values or as files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/io/text_file.h"
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

// As evaluate_files. patients: slide_id (lower case) -> patient_id, may be empty.
std::map<std::string, evaluation::ClassMetrics> evaluate_scores(
    const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
    const std::map<std::string, std::string>& patients, io::Notes notes = nullptr);

// Rows are matched by slide (the scores file's name against the plan's slide id, without regard to
// case) and position. "all": pooled over the slides; with a groups CSV (slide_id,patient_id) also
// one entry per patient. Plan rows without label are left out.
// Labelled rows that could not be read when the slide was scored (`on_damage`) are left out, which
// is noted.
// Error kMismatch: another labelled row without score, a slide in one list only (named), scores and
// plans of other classes.
std::map<std::string, evaluation::ClassMetrics> evaluate_files(
    const std::vector<std::string>& scores, const std::vector<std::string>& truths,
    const std::string& groups_csv, io::Notes notes = nullptr);

}  // namespace lamella::verbs
