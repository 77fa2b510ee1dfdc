// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/run_study.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/study/run_state_internal.h"

namespace lamella::study {

bool StudyResult::all_done() const {
  return std::all_of(slides.begin(), slides.end(), [](const auto& slide) { return slide.done; });
}

namespace {

nlohmann::json slides_json(const RunState& state) {
  nlohmann::json list = nlohmann::json::array();
  for (const SlideWork& work : state.works) {
    nlohmann::json item = {{"slide_id", work.entry.slide_id},
                           {"path", work.entry.path},
                           {"patient_id", work.entry.patient_id},
                           {"role", std::string(to_string(work.entry.role))}};
    if (work.slide) {
      const slide::SlideInfo& info = work.slide->info();
      item["fingerprint"] = info.fingerprint;
      item["backend"] = info.backend;
      item["mpp_source"] = std::string(slide::to_string(info.mpp_source));
      if (info.mpp) item["mpp"] = {info.mpp->x, info.mpp->y};
    }
    if (!work.annotations_sha256.empty()) item["annotations_sha256"] = work.annotations_sha256;
    if (!work.alive()) item["error"] = work.outcome.error;
    list.push_back(item);
  }
  return list;
}

nlohmann::json encoder_json(const RunState& state) {
  const encoder::EncoderInfo& info = state.encoder_info;
  return {{"name", info.name},
          {"sha256", info.sha256},
          {"source", info.source},
          {"licence", info.licence},
          {"precision", std::string(encoder::to_string(state.precision))},
          {"dimension", info.dimension}};
}

void run_steps(RunState& state) {
  open_slides(state);
  state.record.set("inputs", slides_json(state));
  encode_labelled(state);
  train_model(state);
  score_slides(state);
}

void take_outcomes(RunState& state) {
  for (SlideWork& work : state.works) {
    work.outcome.done = work.alive();
    state.result.slides.push_back(work.outcome);
  }
  state.result.precision = std::string(encoder::to_string(state.precision));
}

}  // namespace

StudyResult run_study(const Study& study, const Context& context) {
  const std::vector<SlideEntry> entries = read_slides_table(study.slides_table);
  const encoder::EncoderInfo encoder_info = encoder::find_encoder(study.encoder);
  io::require_writable_folder(study.output);
  tracking::RunRecord record(study.output + "/runs", study.name);

  StudyResult result;
  for (const char* step : {"plan", "encode", "train", "score", "map"}) result.seconds[step] = 0;
  result.run_id = record.run_id();
  result.run_folder = record.folder();
  RunState state{.study = study, .context = context, .result = result, .record = record};
  state.context.warning = [&](const std::string& message) {
    result.warnings.push_back(message);
    record.add_warning(message);
    context.warn(message);
  };
  for (const std::string& warning : study.warnings) state.context.warn(warning);
  state.encoder_info = encoder_info;
  state.precision = encoder::resolve_precision(study.precision);
  for (const SlideEntry& entry : entries) {
    SlideWork work;
    work.entry = entry;
    work.outcome.slide_id = entry.slide_id;
    work.outcome.role = entry.role;
    state.works.push_back(std::move(work));
  }
  record.set("study", to_json(study));
  record.set("encoder", encoder_json(state));
  record.set("software",
             tracking::describe_software({{"inference_engine", encoder::inference_engine_version()},
                                          {"openslide", slide::openslide_version()}}));
  try {
    run_steps(state);
  } catch (const Error& error) {
    record.set("slides", slides_json(state));
    record.set("error", error.what());
    record.finish(error.code() == ErrorCode::kInterrupted ? "KILLED" : "FAILED");
    throw;
  }
  take_outcomes(state);
  const nlohmann::json summary = to_json(result);
  for (const char* key : {"metrics", "slides", "seconds"}) record.set(key, summary[key]);
  record.finish(result.all_done() ? "FINISHED" : "FAILED");
  return result;
}

namespace {

nlohmann::json value_or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace

nlohmann::json to_json(const evaluation::Metrics& metrics) {
  return {{"n", metrics.n},
          {"n_positive", metrics.n_positive},
          {"auc", value_or_null(metrics.auc)},
          {"auc_low", value_or_null(metrics.auc_low)},
          {"auc_high", value_or_null(metrics.auc_high)},
          {"average_precision", value_or_null(metrics.average_precision)},
          {"accuracy", value_or_null(metrics.accuracy)},
          {"balanced_accuracy", value_or_null(metrics.balanced_accuracy)},
          {"brier", value_or_null(metrics.brier)},
          {"ece", value_or_null(metrics.ece)}};
}

nlohmann::json to_json(const StudyResult& result) {
  nlohmann::json metrics = nlohmann::json::object();
  for (const auto& [role, value] : result.metrics) metrics[role] = to_json(value);
  nlohmann::json slides = nlohmann::json::array();
  for (const SlideOutcome& slide : result.slides) {
    nlohmann::json item = {{"slide_id", slide.slide_id},
                           {"role", std::string(to_string(slide.role))},
                           {"status", slide.done ? "done" : "failed"},
                           {"patches", slide.patches},
                           {"patches_reused", slide.patches_reused},
                           {"seconds", slide.seconds}};
    if (!slide.error.empty()) item["error"] = slide.error;
    if (slide.slide_score) item["slide_score"] = *slide.slide_score;
    if (!slide.heatmap.empty()) item["heatmap"] = slide.heatmap;
    slides.push_back(item);
  }
  return {{"run_id", result.run_id},    {"run_dir", result.run_folder},
          {"metrics", metrics},         {"slides", slides},
          {"seconds", result.seconds},  {"compile_seconds", result.compile_seconds},
          {"lambda", result.lambda},    {"precision", result.precision},
          {"warnings", result.warnings}};
}

}  // namespace lamella::study
