// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/evaluate_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/model/model.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/train_files.h"

namespace lamella::verbs {

namespace {

using Position = std::pair<int64_t, int64_t>;

std::string place_text(const std::string& slide_id, const Position& place) {
  return fmt::format("slide '{}' at {},{} (level-0 px)", slide_id, place.first, place.second);
}

// The row of each position.
std::map<Position, int64_t> by_position(const NamedScores& named) {
  const heatmap::ScoredPatches& patches = named.patches;
  std::map<Position, int64_t> rows;
  for (size_t i = 0; i < patches.x_px.size(); ++i) {
    const Position place{std::llround(patches.x_px[i]), std::llround(patches.y_px[i])};
    const auto [found, fresh] = rows.emplace(place, static_cast<int64_t>(i));
    if (fresh) continue;
    const auto before = patches.scores.row(found->second);
    if (!std::ranges::equal(before, patches.scores.row(static_cast<int64_t>(i)))) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("has two scores for the patch of {}; expected one",
                              place_text(named.slide_id, place)),
                  named.source);
    }
  }
  return rows;
}

// Side of a patch, level-0 px; where the table does not say, the least distance of two columns.
double side_of(const heatmap::ScoredPatches& patches) {
  if (patches.width_px > 0) return patches.width_px;
  std::vector<double> xs = patches.x_px;
  std::sort(xs.begin(), xs.end());
  double least = 0;
  for (size_t i = 1; i < xs.size(); ++i) {
    const double step = xs[i] - xs[i - 1];
    if (step >= 1 && (least == 0 || step < least)) least = step;
  }
  return least > 0 ? least : 1;
}

void check_pair(const NamedScores& named, const patch::PatchPlan& plan) {
  const heatmap::ScoredSlide& scored = named.patches.slide;
  if (!scored.fingerprint.empty() && !plan.slide_fingerprint.empty() &&
      scored.fingerprint != plan.slide_fingerprint) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("has the scores of slide '{}' ({}), the plan with the labels is of "
                            "another file, {}; score this slide first",
                            scored.slide_id, scored.path, plan.slide_path),
                named.source);
  }
  if (!plan.classes.empty()) {
    require_same_classes(named.patches.scores.classes, "this file of scores", plan.classes,
                         "the plan of slide '" + plan.slide_id + "'", named.source);
  }
}

using Label = std::pair<Position, int8_t>;

// Of each position once, in the plan's order.
std::vector<Label> labels_of(const Truth& truth, const Context& context) {
  std::map<Position, int8_t> seen;
  std::vector<Label> labels;
  int64_t twice = 0;
  for (const patch::PatchRow& row : truth.plan.rows) {
    if (row.label == patch::kNoLabel) continue;
    const auto [found, fresh] = seen.emplace(Position{row.x_px, row.y_px}, row.label);
    if (fresh) {
      labels.emplace_back(found->first, row.label);
    } else if (found->second == row.label) {
      ++twice;
    } else {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("has two labels for the patch of {}; expected one",
                              place_text(truth.plan.slide_id, found->first)),
                  truth.source);
    }
  }
  if (twice > 0) {
    context.warn(fmt::format("slide '{}': {} labelled rows stand twice and count once",
                             truth.plan.slide_id, twice));
  }
  return labels;
}

// µm of a patch's side; 0: not known.
double side_um(const patch::PatchPlan& plan, double side_px) {
  if (plan.mpp) return *plan.mpp * side_px;
  const patch::PatchGeometry& geometry = plan.geometry;
  return geometry.effective_mpp.value_or(0) * geometry.size_px;
}

void append(JoinedRows& to, const NamedScores& named, const Truth& truth, int32_t slide,
            const Context& context) {
  const patch::PatchPlan& plan = truth.plan;
  check_pair(named, plan);
  const std::map<Position, int64_t> scores = by_position(named);
  feature::ScoreMatrix part;
  part.classes = named.patches.scores.classes;
  const double side = side_of(named.patches);
  const double extent = plan.geometry.extent_x_px;
  to.places.side_px.push_back(extent > 0 ? extent : side);
  if (to.origins.side_um == 0) to.origins.side_um = side_um(plan, side);
  std::set<Position> left_out;
  for (const patch::Position& each : named.patches.left_out)
    left_out.insert({each.x_px, each.y_px});
  int64_t unread = 0;
  for (const auto& [place, label] : labels_of(truth, context)) {
    const auto found = scores.find(place);
    if (found == scores.end() && left_out.contains(place)) {
      ++unread;
      continue;
    }
    if (found == scores.end()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("has no score for the labelled patch of {}; score the plan that has "
                              "the labels",
                              place_text(plan.slide_id, place)),
                  named.source);
    }
    const auto score = named.patches.scores.row(found->second);
    part.values.insert(part.values.end(), score.begin(), score.end());
    to.labels.push_back(label);
    to.origins.slide.push_back(slide);
    to.places.x_px.push_back(static_cast<double>(place.first));
    to.places.y_px.push_back(static_cast<double>(place.second));
    to.origins.x_sides.push_back(static_cast<double>(place.first) / side);
    to.origins.y_sides.push_back(static_cast<double>(place.second) / side);
  }
  if (unread > 0) {
    context.warn(fmt::format(
        "slide '{}': {} labelled patches have no score, as they could not be read; they "
        "are left out",
        plan.slide_id, unread));
  }
  to.scores.append(part);
}

void number_patients(JoinedRows& rows, const std::map<std::string, std::string>& patients) {
  if (patients.empty()) return;
  std::map<std::string, int32_t> numbers;
  std::vector<int32_t> of_slide;
  for (const std::string& slide : rows.places.slides) {
    const auto found = patients.find(to_lower(slide));
    const std::string patient = found == patients.end() ? slide : found->second;
    const auto [entry, fresh] =
        numbers.emplace(to_lower(patient), static_cast<int32_t>(numbers.size()));
    if (fresh) rows.places.patients.push_back(patient);
    of_slide.push_back(entry->second);
  }
  for (const int32_t slide : rows.origins.slide) {
    rows.origins.patient.push_back(of_slide[static_cast<size_t>(slide)]);
  }
}

// The rows of one patient.
struct Rows {
  feature::ScoreMatrix scores;
  std::vector<int8_t> labels;
};

std::map<std::string, evaluation::ClassMetrics> metrics_of_patients(const JoinedRows& rows) {
  std::map<std::string, Rows> sets;
  for (size_t i = 0; i < rows.origins.patient.size(); ++i) {
    Rows& set = sets[rows.places.patients[static_cast<size_t>(rows.origins.patient[i])]];
    const auto score = rows.scores.row(static_cast<int64_t>(i));
    set.scores.classes = rows.scores.classes;
    set.scores.values.insert(set.scores.values.end(), score.begin(), score.end());
    set.labels.push_back(rows.labels[i]);
  }
  std::map<std::string, evaluation::ClassMetrics> metrics;
  for (const auto& [name, set] : sets) {
    metrics[name] = evaluation::evaluate_classes(set.scores, set.labels);
  }
  return metrics;
}

}  // namespace

JoinedRows join_rows(const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
                     const EvaluateOptions& options, const Context& context) {
  std::map<std::string, const NamedScores*> by_slide;
  for (const NamedScores& named : scores) {
    if (!by_slide.emplace(to_lower(named.slide_id), &named).second) {
      throw Error(ErrorCode::kMismatch, "scores of this slide were already given", named.source);
    }
  }
  JoinedRows rows;
  for (const Truth& truth : truths) {
    const auto found = by_slide.find(to_lower(truth.plan.slide_id));
    if (found == by_slide.end()) {
      throw Error(
          ErrorCode::kMismatch,
          fmt::format("no scores are named after slide '{}'; expected {}.csv among `scores`",
                      truth.plan.slide_id, truth.plan.slide_id),
          truth.source);
    }
    rows.places.slides.push_back(truth.plan.slide_id);
    append(rows, *found->second, truth, static_cast<int32_t>(rows.places.slides.size()) - 1,
           context);
    by_slide.erase(found);
  }
  if (!by_slide.empty()) {
    throw Error(ErrorCode::kMismatch, "no plan with labels was given for this slide (`truth`)",
                by_slide.begin()->second->source);
  }
  number_patients(rows, options.patients);
  return rows;
}

Evaluation evaluate_rows(const JoinedRows& rows, const EvaluateOptions& options,
                         const Context& context) {
  Evaluation result;
  if (rows.scores.classes.empty()) return result;
  result.all = evaluation::evaluate_classes(rows.scores, rows.labels, options.thresholds);
  if (options.intervals) {
    evaluation::add_intervals(result.all, {rows.scores, rows.labels, rows.origins},
                              options.resampling, context);
  }
  result.patients = metrics_of_patients(rows);
  result.details = evaluation::details_of(rows.scores, rows.labels, rows.origins, rows.places);
  return result;
}

Evaluation evaluate_scores(const std::vector<NamedScores>& scores, const std::vector<Truth>& truths,
                           const EvaluateOptions& options, const Context& context) {
  return evaluate_rows(join_rows(scores, truths, options, context), options, context);
}

std::vector<Truth> read_truth(const std::string& path, const ClassTable& classes,
                              const Context& context) {
  std::vector<Truth> truths;
  if (!to_lower(path).ends_with(".csv")) {
    truths.push_back({path, storage::read_plan(path)});
    return truths;
  }
  std::vector<std::string> notes;
  for (patch::PatchPlan& plan : storage::read_label_table(path, io::stem(path), classes, &notes)) {
    truths.push_back({path, std::move(plan)});
  }
  for (const std::string& note : notes) context.warn(path + ": " + note);
  return truths;
}

std::vector<NamedScores> read_named_scores(const std::vector<std::string>& paths,
                                           const Context& context) {
  std::vector<NamedScores> named;
  std::vector<std::string> notes;
  for (const std::string& path : paths) {
    notes.clear();
    named.push_back({io::stem(path), path, storage::read_any_scores(path, &notes)});
    for (const std::string& note : notes) context.warn(path + ": " + note);
  }
  return named;
}

const std::vector<evaluation::Thresholds>& thresholds_of(const model::Model& model,
                                                         const std::string& path) {
  if (!model.thresholds.empty()) return model.thresholds;
  throw Error(ErrorCode::kInvalidArgument,
              "the model has no thresholds: its penalty was given, or it has more than two classes "
              "and was calibrated, so that no held-out rows define one; train it with `l2` = cv",
              path);
}

FilesEvaluation evaluate_files(const EvaluateFiles& files, const EvaluateOptions& given,
                               const Context& context) {
  EvaluateOptions options = given;
  if (!files.groups_csv.empty()) options.patients = read_groups(files.groups_csv);
  if (!files.model.empty()) {
    options.thresholds = thresholds_of(model::read_model(files.model), files.model);
  }
  const std::vector<NamedScores> scores = read_named_scores(files.scores, context);
  if (scores.empty()) throw Error(ErrorCode::kInvalidArgument, "`scores`: found no file");
  const ClassTable classes = scores.front().patches.scores.classes;
  std::vector<Truth> truths;
  for (const std::string& path : files.truth) {
    for (Truth& truth : read_truth(path, classes, context)) truths.push_back(std::move(truth));
  }
  return evaluate_against(scores, truths, read_named_scores(files.against, context), options,
                          context);
}

FilesEvaluation evaluate_against(const std::vector<NamedScores>& scores,
                                 const std::vector<Truth>& truths,
                                 const std::vector<NamedScores>& against,
                                 const EvaluateOptions& options, const Context& context) {
  const JoinedRows rows = join_rows(scores, truths, options, context);
  FilesEvaluation result{evaluate_rows(rows, options, context), {}};
  if (against.empty()) return result;
  const ClassTable& classes = rows.scores.classes;
  const JoinedRows other = join_rows(against, truths, options, context);
  require_same_classes(other.scores.classes, "the other scores", rows.scores.classes, "the scores");
  const auto levels = evaluation::cluster_levels(rows.origins, rows.scores, rows.labels);
  for (int k = classes.count() == 2 ? 1 : 0; k < classes.count(); ++k) {
    std::vector<int8_t> is_class;
    for (const int8_t label : rows.labels) is_class.push_back(label == k);
    const std::vector<float> a = rows.scores.column(k), b = other.scores.column(k);
    result.differences[classes.name(k)] =
        evaluation::paired_differences({a, b, is_class}, levels, options.resampling, context);
  }
  return result;
}

}  // namespace lamella::verbs
