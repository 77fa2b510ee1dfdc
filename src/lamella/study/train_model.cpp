// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/storage/piece_key.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/train_files.h"

namespace lamella::study {

namespace {

bool has_labels(const SlideWork& work, Role role) {
  return work.entry.role == role && work.alive() && work.labelled &&
         !work.labelled->plan.rows.empty();
}

std::string hash_model(const classifier::LinearModel& model) {
  const auto bytes = [](const std::vector<double>& values) {
    return std::as_bytes(std::span(values));
  };
  std::vector<double> rest = model.biases;
  rest.insert(rest.end(), {model.calibration.slope, model.calibration.intercept});
  Sha256 hash;
  hash.update(model.feature_space);
  hash.update(model.classes.text());
  hash.update(bytes(model.weights));
  hash.update(bytes(model.mean));
  hash.update(bytes(model.scale));
  hash.update(bytes(rest));
  return hash.hex();
}

void evaluate_role(RunState& state, Role role) {
  std::vector<verbs::NamedScores> scores;
  std::vector<verbs::Truth> truths;
  for (const SlideWork& work : state.works) {
    if (work.entry.role != role || !work.alive() || !work.labelled) continue;
    const patch::PatchPlan& plan = work.labelled->plan;
    const std::string path = state.file("scores/labelled", work, ".csv");
    const feature::ScoreMatrix made =
        classifier::score_patches(work.labelled->features, state.model.classifier);
    storage::write_scores(
        plan, made, storage::key_text(storage::ScoresKey{work.labelled_key, state.model_sha256}),
        path);
    scores.push_back({plan.slide_id, path, heatmap::scored_patches(plan, made)});
    truths.push_back({path, plan});
  }
  const std::string name(to_string(role));
  state.result.metrics[name] =
      truths.empty() ? evaluation::Metrics() : verbs::evaluate_scores(scores, truths, {}).at("all");
  measure_metrics(state, name, state.result.metrics[name]);
}

// As verbs::train_features makes it of the slides that have labels; its scale is that of all slides
// to train on.
verbs::TrainFilesResult train_on_labelled(RunState& state) {
  std::vector<storage::FeatureFile> files;
  verbs::TrainFeaturesOptions options;
  options.found_encoder = state.encoder_info;
  options.train = state.study.train;
  for (const SlideWork& work : state.works) {
    if (!has_labels(work, Role::kTrain)) continue;
    files.push_back(*work.labelled);
    options.patients[to_lower(work.entry.slide_id)] = work.entry.patient_id;
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no labelled patch of any training slide is left to train on; see the failures and "
                "warnings above",
                state.study.path);
  }
  verbs::TrainFilesResult trained = verbs::train_features(std::move(files), options, state.context);
  trained.model.name = state.study.name;
  trained.model.effective_mpp = state.model_mpp;
  return trained;
}

}  // namespace

void train_model(RunState& state) {
  {
    const AddSeconds timer(state.result.seconds["train"]);
    const verbs::TrainFilesResult trained = train_on_labelled(state);
    state.model = trained.model;
    const classifier::LinearModel& fitted = state.model.classifier;
    state.model_sha256 = hash_model(fitted);
    verbs::write_whole_model(state.model, state.study.output + "/model", state.context);
    state.result.lambda = fitted.lambda;
    nlohmann::json trials = nlohmann::json::array();
    for (const classifier::LambdaTrial& trial : trained.model.trials) {
      const auto step = static_cast<int64_t>(trials.size());
      trials.push_back({{"lambda", trial.lambda},
                        {"mean_log_loss", trial.mean_log_loss},
                        {"fold_log_loss", trial.fold_log_loss}});
      state.record.measure("cv_lambda", trial.lambda, step);
      state.record.measure("cv_log_loss", trial.mean_log_loss, step);
    }
    state.record.set(
        "training", {{"classes", fitted.classes.names},
                     {"class_rows", trained.class_rows},
                     {"folds", trained.folds},
                     {"lambda", fitted.lambda},
                     {"mpp", state.model_mpp ? nlohmann::json(*state.model_mpp) : nlohmann::json()},
                     {"trials", trials},
                     {"feature_space", fitted.feature_space},
                     {"model_sha256", state.model_sha256}});
  }
  const AddSeconds timer(state.result.seconds["score"]);
  evaluate_role(state, Role::kTrain);
  evaluate_role(state, Role::kTest);
  state.record.set("metrics", to_json(state.result)["metrics"]);
  for (SlideWork& work : state.works) work.labelled.reset();
}

}  // namespace lamella::study
