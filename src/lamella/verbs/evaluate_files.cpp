// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/evaluate_files.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metrics.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/train_files.h"

namespace lamella::verbs {

namespace {

struct Rows {
  feature::ScoreMatrix scores;
  std::vector<int8_t> labels;
  int64_t left_out = 0;  // labelled, and could not be read
};

using Position = std::pair<int64_t, int64_t>;

// The row of each position.
std::map<Position, int64_t> by_position(const heatmap::ScoredPatches& patches) {
  std::map<Position, int64_t> rows;
  for (size_t i = 0; i < patches.x_px.size(); ++i) {
    rows[{std::llround(patches.x_px[i]), std::llround(patches.y_px[i])}] = static_cast<int64_t>(i);
  }
  return rows;
}

Rows match(const NamedScores& named, const patch::PatchPlan& plan) {
  const std::map<Position, int64_t> scores = by_position(named.patches);
  const heatmap::ScoredSlide& scored = named.patches.slide;
  if (!scored.fingerprint.empty() && !plan.slide_fingerprint.empty() &&
      scored.fingerprint != plan.slide_fingerprint) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("has the scores of slide '{}' ({}), the plan with the labels is of "
                            "another file, {}; score this slide first",
                            scored.slide_id, scored.path, plan.slide_path),
                named.source);
  }
  std::set<Position> left_out;
  for (const patch::Position& each : named.patches.left_out) {
    left_out.insert({each.x_px, each.y_px});
  }
  Rows rows;
  rows.scores.classes = named.patches.scores.classes;
  if (!plan.classes.empty()) {
    require_same_classes(rows.scores.classes, "this file of scores", plan.classes,
                         "the plan of slide '" + plan.slide_id + "'", named.source);
  }
  for (const patch::PatchRow& row : plan.rows) {
    if (row.label == patch::kNoLabel) continue;
    const auto found = scores.find({row.x_px, row.y_px});
    if (found == scores.end() && left_out.contains({row.x_px, row.y_px})) {
      ++rows.left_out;
      continue;
    }
    if (found == scores.end()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("has no score for the labelled patch of slide '{}' at {},{} (level-0 "
                              "px); score the plan that has the labels",
                              plan.slide_id, row.x_px, row.y_px),
                  named.source);
    }
    const auto score = named.patches.scores.row(found->second);
    rows.scores.values.insert(rows.scores.values.end(), score.begin(), score.end());
    rows.labels.push_back(row.label);
  }
  return rows;
}

void append(Rows& to, const Rows& from) {
  to.scores.append(from.scores);
  to.labels.insert(to.labels.end(), from.labels.begin(), from.labels.end());
}

}  // namespace

std::map<std::string, evaluation::ClassMetrics> evaluate_scores(
    const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
    const std::map<std::string, std::string>& patients, io::Notes notes) {
  std::map<std::string, const NamedScores*> by_slide;
  for (const NamedScores& named : scores) {
    if (!by_slide.emplace(to_lower(named.slide_id), &named).second) {
      throw Error(ErrorCode::kMismatch, "scores of this slide were already given", named.source);
    }
  }
  std::map<std::string, Rows> sets;
  for (const Truth& truth : truths) {
    const std::string id = to_lower(truth.plan.slide_id);
    const auto found = by_slide.find(id);
    if (found == by_slide.end()) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("no scores are named after slide '{}'; expected {}.csv among `scores`",
                      truth.plan.slide_id, truth.plan.slide_id),
          truth.source);
    }
    const Rows rows = match(*found->second, truth.plan);
    by_slide.erase(found);
    if (notes && rows.left_out > 0) {
      notes->push_back(
          fmt::format("slide '{}': {} labelled patches have no score, as they could "
                      "not be read; they are left out",
                      truth.plan.slide_id, rows.left_out));
    }
    append(sets["all"], rows);
    const auto patient = patients.find(id);
    if (patient != patients.end()) append(sets["patient " + patient->second], rows);
  }
  if (!by_slide.empty()) {
    throw Error(ErrorCode::kMismatch, "no plan with labels was given for this slide (`truth`)",
                by_slide.begin()->second->source);
  }
  std::map<std::string, evaluation::ClassMetrics> metrics;
  for (const auto& [name, rows] : sets) {
    metrics[name] = evaluation::evaluate_classes(rows.scores, rows.labels);
  }
  return metrics;
}

std::map<std::string, evaluation::ClassMetrics> evaluate_files(
    const std::vector<std::string>& scores, const std::vector<std::string>& truths,
    const std::string& groups_csv, io::Notes notes) {
  std::vector<NamedScores> named;
  for (const std::string& path : scores) {
    named.push_back({io::stem(path), path, storage::read_scores(path)});
  }
  std::vector<Truth> plans;
  for (const std::string& path : truths) plans.push_back({path, storage::read_plan(path)});
  return evaluate_scores(
      named, plans,
      groups_csv.empty() ? std::map<std::string, std::string>{} : read_groups(groups_csv), notes);
}

}  // namespace lamella::verbs
