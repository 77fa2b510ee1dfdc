// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/evaluate_files.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"
#include "lamella/study/train_files.h"

namespace lamella::study {

namespace {

struct Rows {
  std::vector<float> scores;
  std::vector<int8_t> labels;
};

using Position = std::pair<int64_t, int64_t>;

std::map<Position, float> by_position(const heatmap::ScoredPatches& patches) {
  std::map<Position, float> scores;
  for (size_t i = 0; i < patches.scores.size(); ++i) {
    scores[{std::llround(patches.x_px[i]), std::llround(patches.y_px[i])}] = patches.scores[i];
  }
  return scores;
}

Rows match(const std::string& scores_path, const patch::PatchPlan& plan) {
  const std::map<Position, float> scores = by_position(storage::read_scores(scores_path));
  Rows rows;
  for (const patch::PatchRow& row : plan.rows) {
    if (row.label == patch::kNoLabel) continue;
    const auto found = scores.find({row.x_px, row.y_px});
    if (found == scores.end()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("has no score for the labelled patch of slide '{}' at {},{} (level-0 "
                              "px); score the plan that has the labels",
                              plan.slide_id, row.x_px, row.y_px),
                  scores_path);
    }
    rows.scores.push_back(found->second);
    rows.labels.push_back(row.label);
  }
  return rows;
}

void append(Rows& to, const Rows& from) {
  to.scores.insert(to.scores.end(), from.scores.begin(), from.scores.end());
  to.labels.insert(to.labels.end(), from.labels.begin(), from.labels.end());
}

}  // namespace

std::map<std::string, evaluation::Metrics> evaluate_files(const std::vector<std::string>& scores,
                                                          const std::vector<std::string>& truths,
                                                          const std::string& groups_csv) {
  std::map<std::string, std::string> score_files;
  for (const std::string& path : scores) {
    if (!score_files.emplace(to_lower(io::stem(path)), path).second) {
      throw Error(ErrorCode::kMismatch, "a scores file of this slide was already given", path);
    }
  }
  const auto patients =
      groups_csv.empty() ? std::map<std::string, std::string>{} : read_groups(groups_csv);
  std::map<std::string, Rows> sets;
  for (const std::string& path : truths) {
    const patch::PatchPlan plan = storage::read_plan(path);
    const auto found = score_files.find(to_lower(plan.slide_id));
    if (found == score_files.end()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("no scores file is named after slide '{}'; expected {}.csv among "
                              "--scores",
                              plan.slide_id, plan.slide_id),
                  path);
    }
    const Rows rows = match(found->second, plan);
    score_files.erase(found);
    append(sets["all"], rows);
    const auto patient = patients.find(to_lower(plan.slide_id));
    if (patient != patients.end()) append(sets["patient " + patient->second], rows);
  }
  if (!score_files.empty()) {
    throw Error(ErrorCode::kMismatch, "no plan with labels was given for this slide (--truth)",
                score_files.begin()->second);
  }
  std::map<std::string, evaluation::Metrics> metrics;
  for (const auto& [name, rows] : sets) {
    metrics[name] = evaluation::evaluate(rows.scores, rows.labels);
  }
  return metrics;
}

}  // namespace lamella::study
