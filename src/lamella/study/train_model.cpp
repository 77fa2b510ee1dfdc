// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/storage/changes.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/verbs/fold_groups.h"
#include "lamella/verbs/train_files.h"

namespace lamella::study {

namespace {

// The labelled rows of all slides of one role, one under the other.
struct LabelledRows {
  feature::FeatureMatrix features;
  std::vector<int8_t> labels;
  std::vector<verbs::GroupedSlide> slides;
};

LabelledRows gather(const RunState& state, Role role) {
  LabelledRows rows;
  std::vector<feature::FeatureMatrix> parts;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != role || !work.alive() || !work.labelled) continue;
    if (work.labelled->plan.rows.empty()) continue;
    parts.push_back(work.labelled->features);
    for (const patch::PatchRow& row : work.labelled->plan.rows) rows.labels.push_back(row.label);
    rows.slides.push_back({work.entry.patient_id, work.labelled->plan.rows});
  }
  if (parts.empty()) return rows;
  std::string warning;
  rows.features = feature::concatenate(parts, &warning);
  if (!warning.empty()) state.context.warn(warning);
  return rows;
}

std::string hash_model(const classifier::LinearModel& model) {
  const auto bytes = [](const std::vector<double>& values) {
    return std::as_bytes(std::span(values));
  };
  const std::vector<double> rest = {model.bias, model.calibration.slope,
                                    model.calibration.intercept};
  Sha256 hash;
  hash.update(model.feature_space);
  for (const auto* values : {&model.weights, &model.mean, &model.scale, &rest}) {
    hash.update(bytes(*values));
  }
  return hash.hex();
}

void evaluate_role(RunState& state, Role role, const LabelledRows& rows) {
  feature::ScoreVector scores;
  if (!rows.labels.empty()) {
    scores = classifier::score_patches(rows.features, state.model.classifier);
  }
  size_t at = 0;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != role || !work.alive() || !work.labelled) continue;
    feature::ScoreVector part;
    const size_t n = work.labelled->plan.rows.size();
    part.values.assign(scores.values.begin() + static_cast<ptrdiff_t>(at),
                       scores.values.begin() + static_cast<ptrdiff_t>(at + n));
    at += n;
    storage::write_scores(
        work.labelled->plan, part,
        storage::piece_key({{"features", nlohmann::json::parse(work.labelled_key)},
                            {"model", state.model_sha256}}),
        state.file("scores/labelled", work, ".csv"));
  }
  const std::string name(to_string(role));
  state.result.metrics[name] = evaluation::evaluate(scores.values, rows.labels);
  measure_metrics(state, name, state.result.metrics[name]);
}

void fill_model(RunState& state, const classifier::TrainResult& trained) {
  model::Model& model = state.model;
  model.name = state.study.name;
  model.classifier = trained.model;
  model.spec = state.study.patches;
  model.effective_mpp = state.model_mpp;
  model.encoder = state.encoder_info;
  model.precision = state.precision;
  model.trials = trained.trials;
  state.model_sha256 = hash_model(model.classifier);
}

}  // namespace

void train_model(RunState& state) {
  const LabelledRows train = gather(state, Role::kTrain);
  if (train.labels.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no labelled patch of any training slide is left to train on; see the failures and "
                "warnings above",
                state.study.path);
  }
  {
    const StepTimer timer(state.result.seconds["train"]);
    const std::vector<int32_t> groups = verbs::fold_groups(train.slides);
    const classifier::TrainResult trained = classifier::train_classifier(
        train.features, train.labels, groups, state.study.train, state.context);
    fill_model(state, trained);
    verbs::write_whole_model(state.model, state.study.output + "/model", state.context);
    state.result.lambda = trained.model.lambda;
    record::Training& training = state.record.document().training.emplace();
    training.rows_positive = trained.rows_positive;
    training.rows_negative = trained.rows_negative;
    training.folds = trained.folds;
    training.lambda = trained.model.lambda;
    training.size_px = state.study.patches.size_px;
    training.mpp = state.model_mpp;
    training.feature_space = trained.model.feature_space;
    training.model_sha256 = state.model_sha256;
    for (const classifier::LambdaTrial& trial : trained.trials) {
      const auto step = static_cast<int64_t>(training.trials.size());
      training.trials.push_back({trial.lambda, trial.mean_log_loss, trial.fold_log_loss});
      state.record.measure("cv_lambda", trial.lambda, step);
      state.record.measure("cv_log_loss", trial.mean_log_loss, step);
    }
    state.record.write();
  }
  const StepTimer timer(state.result.seconds["score"]);
  evaluate_role(state, Role::kTrain, train);
  evaluate_role(state, Role::kTest, gather(state, Role::kTest));
  state.record.document().metrics = state.result.metrics;
  state.record.write();
  for (SlideWork& work : state.works) work.labelled.reset();
}

}  // namespace lamella::study
