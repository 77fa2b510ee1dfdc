// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/study/unlike_slides_internal.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/train_files.h"

namespace lamella::study {

namespace {

void record_evaluation(RunState& state, const std::string& name, verbs::Evaluation made) {
  record::RunDocument& document = state.record.document();
  for (const auto& [figure, value] : evaluation::figures_of(made.all)) {
    state.record.measure(name + "_" + figure, value);
  }
  if (made.all.n > 0) document.details[name] = std::move(made.details);
  document.metrics[name] = std::move(made.all);
}

// Scores and figures of the labelled rows of one role.
void evaluate_role(RunState& state, cohort::Role role) {
  std::vector<verbs::NamedScores> scores;
  std::vector<verbs::Truth> truths;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != role || !work.alive() || !work.labelled) continue;
    const auto& [file, key] = *work.labelled;
    const std::string path = state.pieces.file("scores/labelled", work.entry.slide_id, ".csv");
    const feature::ScoreMatrix made =
        classifier::score_patches(file.features, state.fitted.model.classifier);
    storage::write_scores(file.plan, made,
                          storage::key_text(storage::ScoresKey{key, state.fitted.sha256}), path);
    scores.push_back({file.plan.slide_id, path, heatmap::scored_patches(file.plan, made)});
    truths.push_back({path, file.plan});
  }
  verbs::EvaluateOptions options;
  for (const SlideWork& work : state.works) {
    options.patients[to_lower(work.entry.slide_id)] = work.entry.patient_id;
  }
  // Of rows that the model has seen an interval would say nothing.
  options.intervals = role != cohort::Role::kTrain;
  if (options.intervals) options.thresholds = state.fitted.model.thresholds;
  verbs::Evaluation made;
  if (!truths.empty()) made = verbs::evaluate_scores(scores, truths, options, state.context);
  record_evaluation(state, std::string(to_string(role)), std::move(made));
}

// Slides of training, each tested by a model of the others.
void evaluate_in_turn(RunState& state, const std::vector<storage::FeatureFile>& files,
                      const verbs::TrainFeaturesOptions& options) {
  std::map<std::string, std::string> sites;
  for (const SlideWork& work : state.works) {
    sites[to_lower(work.entry.slide_id)] = work.entry.site;
  }
  verbs::SplitEvaluation made = verbs::evaluate_by_split(
      {files, options, sites, state.in_turn.fold_of}, state.study.learning.split, state.context);
  for (const verbs::SplitFold& fold : made.folds) {
    const auto step = static_cast<int64_t>(state.record.document().folds.size());
    if (fold.metrics.macro_auc) state.record.measure("fold_auc", *fold.metrics.macro_auc, step);
    state.record.document().folds.push_back(
        {fold.name, fold.patients, fold.slides, fold.lambda, fold.metrics});
  }
  record_evaluation(state, "folds", made.pooled);
  state.in_turn.evaluation = std::move(made);
}

// Of the slides to train on that have labels; the scale is that of all slides to train on.
verbs::TrainFilesResult train_on_labelled(RunState& state) {
  std::vector<storage::FeatureFile> files;
  verbs::TrainFeaturesOptions options;
  options.found_encoder = state.pieces.encoder;
  options.train = state.study.learning.train;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != cohort::Role::kTrain || !work.alive() || !work.labelled) continue;
    if (work.labelled->file.plan.rows.empty()) continue;
    files.push_back(work.labelled->file);
    options.patients[to_lower(work.entry.slide_id)] = work.entry.patient_id;
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no labelled patch of any training slide is left to train on; see the failures and "
                "warnings above",
                state.study.source.path);
  }
  if (state.study.learning.split.kind != verbs::SplitKind::kRoles)
    evaluate_in_turn(state, files, options);
  verbs::TrainFilesResult trained = verbs::train_features(std::move(files), options, state.context);
  trained.model.name = state.study.name;
  trained.model.effective_mpp = state.pieces.mpp;
  return trained;
}

void record_training(RunState& state, const verbs::TrainFilesResult& trained) {
  const model::Model& model = trained.model;
  record::Training& training = state.record.document().training.emplace();
  training.classes = model.classifier.classes.names;
  training.class_rows = trained.class_rows;
  training.folds = trained.folds;
  training.lambda = model.classifier.lambda;
  training.size_px = model.spec.size_px;
  training.mpp = model.effective_mpp;
  training.feature_space = model.classifier.feature_space;
  training.model_sha256 = state.fitted.sha256;
  training.held_out_log_loss = trained.held_out_log_loss;
  training.held_out_auc = trained.held_out_auc;
  for (size_t k = 0; k < model.thresholds.size(); ++k) {
    training.thresholds.push_back(
        {training.classes.at(k), model.thresholds[k].accuracy, model.thresholds[k].f1});
  }
  for (const classifier::LambdaTrial& trial : model.trials) {
    const auto step = static_cast<int64_t>(training.trials.size());
    training.trials.push_back({trial.lambda, trial.mean_log_loss, trial.fold_log_loss});
    state.record.measure("cv_lambda", trial.lambda, step);
    state.record.measure("cv_log_loss", trial.mean_log_loss, step);
  }
  state.record.write();
}

}  // namespace

void train_model(RunState& state) {
  verbs::HeldOutSlides held_out;
  {
    const AddSeconds timer(state.record.document().times["train"]);
    verbs::TrainFilesResult trained = train_on_labelled(state);
    state.fitted = {trained.model, model::classifier_sha256(trained.model.classifier)};
    verbs::write_whole_model(trained.model, state.pieces.output + "/model", state.context);
    record_training(state, trained);
    held_out = std::move(trained.held_out);
  }
  {
    const AddSeconds timer(state.record.document().times["score"]);
    evaluate_role(state, cohort::Role::kTrain);
    evaluate_role(state, cohort::Role::kTest);
    learn_what_is_usual(state, held_out);
    state.record.write();
  }
  run_controls(state);
  for (SlideWork& work : state.works) work.labelled.reset();
}

// Slides as a whole: their scores against the labels that the table gives them.
void evaluate_slides(RunState& state) {
  const ClassTable& all = state.study.classes();
  const std::string& wanted = state.study.heatmap.overlay.shown_class;
  const std::string shown = wanted.empty() || wanted == kMostLikely ? all.names.back() : wanted;
  feature::ScoreMatrix scores{{{"other", shown}}, {}};
  if (to_lower(shown) == "other") scores.classes.names.front() = "rest";
  std::vector<int8_t> labels;
  evaluation::RowOrigins origins;
  std::map<std::string, int32_t> patients;
  for (SlideWork& work : state.works) {
    const std::string& label = work.entry.slide_label;
    if (label.empty()) continue;
    work.outcome.slide_label = label;
    if (!work.alive() || !work.outcome.slide_score) continue;
    const auto score = static_cast<float>(std::clamp(*work.outcome.slide_score, 0.0, 1.0));
    scores.values.insert(scores.values.end(), {1 - score, score});
    labels.push_back(to_lower(label) == to_lower(shown));
    const auto patient = static_cast<int32_t>(patients.size());
    origins.patient.push_back(
        patients.emplace(to_lower(work.entry.patient_id), patient).first->second);
    origins.slide.push_back(static_cast<int32_t>(origins.slide.size()));
  }
  if (labels.empty()) return;
  verbs::Evaluation made;
  made.all = evaluation::evaluate_classes(scores, labels);
  evaluation::add_intervals(made.all, {scores, labels, origins}, {}, state.context);
  made.details = evaluation::details_of(scores, labels, {}, {});
  record_evaluation(state, "slides", std::move(made));
  state.record.write();
}

}  // namespace lamella::study
