// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/run_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/process.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/io/files.h"
#include "lamella/io/output_lock.h"
#include "lamella/io/temporary.h"
#include "lamella/record/run_json.h"
#include "lamella/report/model_card.h"
#include "lamella/report/run_report.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/plan_study.h"
#include "lamella/study/run_report_internal.h"
#include "lamella/study/unlike_slides_internal.h"

namespace lamella::study {

bool StudyResult::all_done() const {
  return std::ranges::all_of(record.outcomes,
                             [](const record::Outcome& slide) { return slide.status == "done"; });
}

bool StudyResult::left_out() const {
  return std::ranges::any_of(
      record.outcomes, [](const record::Outcome& slide) { return slide.patches_left_out > 0; });
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
void remove_other_spools(const std::string& output,
                         const std::vector<cohort::SlideEntry>& entries) {
  for (const char* kind : {"labelled", "grid"}) {
    const cohort::Role without =
        std::string_view(kind) == "grid" ? cohort::Role::kTrain : cohort::Role::kScore;
    std::set<std::string> wanted;
    for (const cohort::SlideEntry& entry : entries) {
      if (entry.role != without) wanted.insert(entry.slide_id + ".h5");
    }
    storage::drop_other_spools(output + "/features/" + kind, wanted);
  }
}

void run_steps(RunState& state) {
  open_slides(state);
  record_inputs(state);
  state.record.log("inputs hashed");
  encode_labelled(state);
  train_model(state);
  send_record(state, Moment::kUnderway);
  score_slides(state);
  compare_colours(state);
  evaluate_slides(state);
}

// The end of each step that reports progress goes into the log.
void log_progress(Context& context, record::RunRecord& record) {
  const auto shown = context.progress;
  context.progress = [shown, &record](const Progress& progress) {
    if (progress.done >= progress.total) {
      record.log(fmt::format("{}: {} {}", progress.step, progress.total, progress.unit));
    }
    if (shown) shown(progress);
  };
}

// Of the finished record, as it is on disk. A run is not worth less because its report could not be
// made; the verb report makes it later.
std::string write_report(RunState& state) {
  try {
    return report::report_run(state.record.folder(), "", state.context);
  } catch (const Error& error) {
    state.context.warn(fmt::format("the run has no report: {}; 'lamella report {}' makes it",
                                   error.what(), state.record.folder()));
    state.record.write();
  }
  return "";
}

// The record may be what cannot be written; then `error`, which came first, is what is told.
void record_end(RunState& state, const Error& error) {
  const bool interrupted = error.code() == ErrorCode::kInterrupted;
  try {
    const std::string message = spell_keys(error.what());
    state.record.log("error: " + message);
    state.record.document().error = message;
    record_outcomes(state, true);
    state.record.finish(interrupted ? record::Status::kKilled : record::Status::kFailed);
    if (!interrupted) write_report(state);
  } catch (const Error&) {
    return;
  }
  try {
    send_record(state, interrupted ? Moment::kInterrupted : Moment::kEnd);
  } catch (const Error& not_sent) {
    state.context.warn(not_sent.what());
  }
}

void take_outcomes(RunState& state) {
  int64_t step = 0;  // the slide's place in the table
  for (SlideWork& work : state.works) {
    if (work.alive()) work.outcome.status = "done";
    if (work.outcome.slide_score) {
      state.record.measure("slide_score", *work.outcome.slide_score, step);
    }
    state.record.measure("slide_patches", static_cast<double>(work.outcome.patches), step);
    state.record.measure("slide_seconds", work.outcome.seconds, step++);
  }
  for (const auto& [step_name, seconds] : state.record.document().times) {
    state.record.measure("seconds_" + step_name, seconds);
  }
}

// What the caller's context says goes into the record, too.
void use_context(RunState& state, const Context& context) {
  record::RunRecord& record = state.record;
  state.context = context;
  state.context.warning = [&record, shown = context.warning](const std::string& raw) {
    const std::string message = spell_keys(raw);
    // What is true of the whole run is met with every slide.
    if (std::ranges::count(record.document().warnings, message) > 0) return;
    record.add_warning(message);
    if (shown) shown(message);
  };
  state.context.notice = [&record, shown = context.notice](const std::string& message) {
    record.log(message);
    if (shown) shown(message);
  };
  log_progress(state.context, record);
  // Its thread looks at the flag of the context that it was made with.
  state.sending.follower.reset();
}

std::vector<SlideWork> works_of(const std::vector<cohort::SlideEntry>& entries) {
  std::vector<SlideWork> works;
  for (const cohort::SlideEntry& entry : entries) {
    SlideWork work;
    work.entry = entry;
    work.outcome.slide_id = entry.slide_id;
    work.outcome.role = to_string(entry.role);
    works.push_back(std::move(work));
  }
  return works;
}

// Nobody writes there but this run.
std::string writable(const std::string& output) {
  io::require_writable_folder(output);
  return output + "/run.lock";
}

}  // namespace

struct StartedRun::Parts {
  Parts(const Study& given, const RunOptions& options, const Context& context)
      : study(given),
        entries(slides_of(study, &notes)),
        encoder(encoder::find_encoder(study.encoder.name)),
        lock(writable(study.output), study.output, without_credentials(own_command()),
             context.warning) {
    if (options.trial_of && !options.trial_of->whole) {
      std::erase_if(entries, [](const cohort::SlideEntry& entry) {
        return entry.role != cohort::Role::kTrain;
      });
    }
    remove_leftovers(study.output);
    // A trial knows some of the slides only, and what the chosen one left is gone on with.
    if (!options.trial_of) remove_other_spools(study.output, entries);
    record.emplace(study.output + "/runs", study.name);
    for (const char* step : {"plan", "encode", "train", "score", "map"}) {
      record->document().times[step] = 0;
    }
    record->document().trial_of = options.trial_of;
    state.reset(new RunState{.study = study,
                             .context = {},
                             .record = *record,
                             .pieces = piece_context(study, encoder),
                             .in_turn = {options.fold_of, {}}});
    state->pieces.tissue_output = options.tissue_output;
    use_context(*state, context);
  }

  Study study;
  std::vector<std::string> notes;
  std::vector<cohort::SlideEntry> entries;
  encoder::EncoderInfo encoder;
  io::OutputLock lock;
  std::optional<record::RunRecord> record;
  std::unique_ptr<RunState> state;
};

StartedRun::StartedRun(const Study& study, const RunOptions& options, const Context& context)
    : parts_(std::make_unique<Parts>(study, options, context)) {
  RunState& state = *parts_->state;
  start_record(state, options.full_hash);
  state.works = works_of(parts_->entries);
  try {
    choose_server(state, options.client);
    send_record(state, Moment::kStart);
  } catch (const Error& error) {
    state.sending.options.uri.clear();  // it has just been tried
    record_end(state, error);
    throw;
  }
  for (const std::string& note : parts_->notes) {
    state.context.warn(parts_->study.slides.table + ": " + note);
  }
}

StartedRun::~StartedRun() = default;

const std::string& StartedRun::run_folder() const { return parts_->record->folder(); }

StudyResult StartedRun::finish(const std::map<std::string, double>& elsewhere,
                               const Context& context) {
  RunState& state = *parts_->state;
  record::RunRecord& record = *parts_->record;
  record::RunDocument& document = record.document();
  use_context(state, context);
  document.times.insert(elsewhere.begin(), elsewhere.end());
  try {
    run_steps(state);
    for (const std::string& warning : tissue::unlike_the_rest(state.likeness.tissues)) {
      state.context.warn(warning);
    }
  } catch (const Error& error) {
    record_end(state, error);
    throw;
  }
  take_outcomes(state);
  document.outputs = outputs_of(state);
  record_outcomes(state, true);
  io::write_file_atomic(parts_->study.output + "/model/README.md", report::model_card(document));
  StudyResult result{document, record.folder(), {}, state.encoder.compile_seconds(), {}, {}};
  result.in_turn = std::move(state.in_turn.evaluation);
  record.finish(result.all_done() ? record::Status::kFinished : record::Status::kFailed);
  result.report = write_report(state);
  send_record(state, Moment::kEnd);
  result.record = document;
  result.mlflow = state.sending.result;
  return result;
}

void StartedRun::fail(const std::string& message, bool interrupted, const Context& context) {
  use_context(*parts_->state, context);
  record_end(*parts_->state,
             Error(interrupted ? ErrorCode::kInterrupted : ErrorCode::kInternal, message));
}

StudyResult run_study(const Study& study, const RunOptions& options, const Context& context) {
  StartedRun run(study, options, context);
  return run.finish({}, context);
}

nlohmann::json to_json(const StudyResult& result) {
  const record::RunDocument& record = result.record;
  return {{"run_id", record.run_id},
          {"run_dir", result.run_folder},
          {"report", result.report},
          {"metrics", record.metrics},
          {"slides", record.outcomes},
          {"seconds", record.times},
          {"compile_seconds", result.compile_seconds},
          {"lambda", record.training.value_or(record::Training{}).lambda},
          {"precision", record.encoder.value_or(record::EncoderUsed{}).precision},
          {"warnings", record.warnings},
          {"mlflow", result.mlflow}};
}

}  // namespace lamella::study
