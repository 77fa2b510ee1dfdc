// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/run_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/io/files.h"
#include "lamella/io/output_lock.h"
#include "lamella/io/temporary.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/study/model_card.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

bool StudyResult::all_done() const {
  return std::all_of(slides.begin(), slides.end(), [](const auto& slide) { return slide.done; });
}

namespace {

// Of killed runs. Only where this study writes: the output folder may hold other things.
void remove_leftovers(const std::string& output) {
  io::remove_left_temporaries(output, false);  // the model's folder
  for (const char* folder :
       {"plans", "features", "scores", "heatmaps", "tissue", "model", "runs"}) {
    io::remove_left_temporaries(output + "/" + folder, true);
  }
}

// Half-made features of slides that the study no longer has, or has in another role.
void remove_other_spools(const std::string& output, const std::vector<SlideEntry>& entries) {
  for (const char* kind : {"labelled", "grid"}) {
    const Role without = std::string_view(kind) == "grid" ? Role::kTrain : Role::kScore;
    std::set<std::string> wanted;
    for (const SlideEntry& entry : entries) {
      if (entry.role != without) wanted.insert(entry.slide_id + ".h5");
    }
    storage::drop_other_spools(output + "/features/" + kind, wanted);
  }
}

void run_steps(RunState& state) {
  open_slides(state);
  const nlohmann::json inputs = inputs_json(state);
  state.record.set("inputs", inputs);
  state.record.set("split", split_json(state, inputs));
  state.record.log("inputs hashed");
  encode_labelled(state);
  train_model(state);
  follow_run(state, Moment::kUnderway);
  score_slides(state);
}

// The end of each step that reports progress goes into the log.
void log_progress(Context& context, tracking::RunRecord& record) {
  const auto shown = context.progress;
  context.progress = [shown, &record](const Progress& progress) {
    if (progress.done >= progress.total) {
      record.log(fmt::format("{}: {} {}", progress.step, progress.total, progress.unit));
    }
    if (shown) shown(progress);
  };
}

// The record may be what cannot be written; then `error`, which came first, is what is told.
void record_end(RunState& state, const Error& error) {
  const bool interrupted = error.code() == ErrorCode::kInterrupted;
  try {
    state.record.log("error: " + spell_keys(error.what()));
    state.record.set("error", spell_keys(error.what()));
    record_outcomes(state, true);
    state.record.finish(interrupted ? "KILLED" : "FAILED");
  } catch (const Error&) {
    return;
  }
  follow_run(state, interrupted ? Moment::kInterrupted : Moment::kEnd);
}

void take_outcomes(RunState& state) {
  int64_t step = 0;  // the slide's place in the table
  for (SlideWork& work : state.works) {
    work.outcome.done = work.alive();
    if (work.outcome.slide_score) {
      state.record.measure("slide_score", *work.outcome.slide_score, step);
    }
    state.record.measure("slide_patches", static_cast<double>(work.outcome.patches), step);
    state.record.measure("slide_seconds", work.outcome.seconds, step++);
    state.result.slides.push_back(work.outcome);
  }
  for (const auto& [step_name, seconds] : state.result.seconds) {
    state.record.measure("seconds_" + step_name, seconds);
  }
  state.result.precision = std::string(encoder::to_string(state.precision));
}

}  // namespace

StudyResult run_study(const Study& study, const RunOptions& options, const Context& context) {
  const std::vector<SlideEntry> entries = read_slides_table(study.slides_table);
  const encoder::EncoderInfo encoder_info = encoder::find_encoder(study.encoder);
  io::require_writable_folder(study.output);
  const io::OutputLock lock(study.output + "/run.lock", study.output,
                            tracking::without_credentials(own_command()), context.warning);
  remove_leftovers(study.output);
  remove_other_spools(study.output, entries);
  tracking::RunRecord record(study.output + "/runs", study.name);

  StudyResult result;
  for (const char* step : {"plan", "encode", "train", "score", "map"}) result.seconds[step] = 0;
  result.run_id = record.run_id();
  result.run_folder = record.folder();
  RunState state{
      .study = study, .options = options, .context = context, .result = result, .record = record};
  state.context.warning = [&](const std::string& raw) {
    const std::string message = spell_keys(raw);
    result.warnings.push_back(message);
    record.add_warning(message);
    context.warn(message);
  };
  state.context.notice = [&](const std::string& message) {
    record.log(message);
    context.note(message);
  };
  log_progress(state.context, record);
  start_record(state, encoder_info);
  choose_server(state);
  follow_run(state, Moment::kUnderway);
  for (const std::string& warning : study.warnings) state.context.warn(warning);
  for (const SlideEntry& entry : entries) {
    SlideWork work;
    work.entry = entry;
    work.outcome.slide_id = entry.slide_id;
    work.outcome.role = entry.role;
    state.works.push_back(std::move(work));
  }
  try {
    run_steps(state);
  } catch (const Error& error) {
    record_end(state, error);
    throw;
  }
  take_outcomes(state);
  record.set("outputs", outputs_json(state));
  const nlohmann::json summary = to_json(result);
  for (const char* key : {"metrics", "slides", "seconds"}) record.set(key, summary[key]);
  io::write_file_atomic(study.output + "/model/README.md",
                        model_card(nlohmann::json(record.document())));
  record.finish(result.all_done() ? "FINISHED" : "FAILED");
  follow_run(state, Moment::kEnd);
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

nlohmann::json to_json(const evaluation::ClassMetrics& metrics) {
  nlohmann::json object;
  if (metrics.classes.count() == 2) {
    object = to_json(metrics.last());
  } else {
    object = {{"n", metrics.n},
              {"macro_auc", value_or_null(metrics.macro_auc)},
              {"accuracy", value_or_null(metrics.accuracy)}};
  }
  object["log_loss"] = value_or_null(metrics.log_loss);
  object["confusion"] = metrics.confusion;
  for (int label = 0; label < metrics.classes.count(); ++label) {
    object["classes"][metrics.classes.name(label)] =
        to_json(metrics.per_class[static_cast<size_t>(label)]);
  }
  return object;
}

nlohmann::json to_json(const SlideOutcome& slide) {
  nlohmann::json item = {{"slide_id", slide.slide_id},
                         {"role", std::string(to_string(slide.role))},
                         {"status", !slide.error.empty() ? "failed"
                                    : slide.done         ? "done"
                                                         : "not finished"},
                         {"patches", slide.patches},
                         {"patches_reused", slide.patches_reused},
                         {"patches_resumed", slide.patches_resumed},
                         {"seconds", slide.seconds}};
  item["remade"] = nlohmann::json::array();
  for (const Remade& remade : slide.remade) {
    item["remade"].push_back({{"piece", remade.piece}, {"why", remade.why}});
  }
  if (!slide.error.empty()) item["error"] = slide.error;
  if (slide.slide_score) item["slide_score"] = *slide.slide_score;
  if (!slide.heatmap.empty()) item["heatmap"] = slide.heatmap;
  return item;
}

nlohmann::json to_json(const StudyResult& result) {
  nlohmann::json metrics = nlohmann::json::object();
  for (const auto& [role, value] : result.metrics) metrics[role] = to_json(value);
  nlohmann::json slides = nlohmann::json::array();
  for (const SlideOutcome& slide : result.slides) slides.push_back(to_json(slide));
  return {{"run_id", result.run_id},     {"run_dir", result.run_folder},
          {"metrics", metrics},          {"slides", slides},
          {"seconds", result.seconds},   {"compile_seconds", result.compile_seconds},
          {"lambda", result.lambda},     {"precision", result.precision},
          {"warnings", result.warnings}, {"mlflow", result.mlflow}};
}

}  // namespace lamella::study
