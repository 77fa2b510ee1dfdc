// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/train_files.h"

namespace lamella::study {

namespace {

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
  const std::string name(to_string(role));
  evaluation::ClassMetrics& metrics = state.record.document().metrics[name];
  if (!truths.empty()) metrics = verbs::evaluate_scores(scores, truths, {}).at("all");
  for (const auto& [figure, value] : evaluation::figures_of(metrics)) {
    state.record.measure(name + "_" + figure, value);
  }
}

// Of the slides to train on that have labels; the scale is that of all slides to train on.
verbs::TrainFilesResult train_on_labelled(RunState& state) {
  std::vector<storage::FeatureFile> files;
  verbs::TrainFeaturesOptions options;
  options.found_encoder = state.pieces.encoder;
  options.train = state.study.train;
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
  {
    const AddSeconds timer(state.record.document().times["train"]);
    const verbs::TrainFilesResult trained = train_on_labelled(state);
    state.fitted = {trained.model, model::classifier_sha256(trained.model.classifier)};
    verbs::write_whole_model(trained.model, state.pieces.output + "/model", state.context);
    record_training(state, trained);
  }
  const AddSeconds timer(state.record.document().times["score"]);
  evaluate_role(state, cohort::Role::kTrain);
  evaluate_role(state, cohort::Role::kTest);
  state.record.write();
  for (SlideWork& work : state.works) work.labelled.reset();
}

}  // namespace lamella::study
