// SPDX-License-Identifier: Apache-2.0
#include "lamella/search/search_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <set>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/option_json.h"
#include "lamella/base/process.h"
#include "lamella/base/progress.h"
#include "lamella/base/stopwatch.h"
#include "lamella/base/text.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/io/files.h"
#include "lamella/io/output_lock.h"
#include "lamella/mlflow/publish.h"
#include "lamella/record/manifest.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_record.h"
#include "lamella/record/software.h"
#include "lamella/report/run_report.h"
#include "lamella/search/search_choice.h"
#include "lamella/search/search_table_internal.h"
#include "lamella/search/search_trials.h"
#include "lamella/study/begin_record.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/run_study.h"
#include "lamella/verbs/fold_groups.h"

namespace lamella::search {

namespace {

constexpr double kSecondsPerHour = 3600;

struct SearchState {
  const study::Study& study;
  Context context;  // its warnings go into the record, too
  record::RunRecord& record;
  mlflow::PublishOptions server{};  // uri "": nowhere
  TurnsOfTrials turns{};
  std::map<std::string, int> fold_of{};  // as the first trial has it
  nlohmann::json sent{};

  record::Search& search() { return *record.document().search; }
};

void start_record(SearchState& state, SearchTrials trials) {
  const study::Study& study = state.study;
  record::RunDocument& document = state.record.document();
  study::begin_record(document, study, state.context.threads, false);
  document.seeds["search.seed"] = study.learning.search.seed;
  document.software = record::describe_software({});
  document.inputs = {record::input_or_error("study", study.source.path, false),
                     record::input_or_error("slides table", study.slides.table, false)};
  document.search.emplace();
  document.search->by = study.learning.search.by == verbs::SearchBy::kAuc ? "auc" : "log_loss";
  document.search->trials = std::move(trials.trials);
  study::write_begun(state.record, study);
}

// A server that is away is a warning.
void send(SearchState& state, bool last_words) {
  if (state.server.uri.empty()) return;
  mlflow::PublishOptions options = state.server;
  options.register_model = options.alias = "";  // the chosen trial's run does that
  options.last_words = last_words;
  try {
    state.sent = mlflow::to_json(mlflow::publish_run(state.record.document(), state.record.folder(),
                                                     options, state.context));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted || state.study.tracking.required) throw;
    state.context.warn(
        fmt::format("the search was not sent to MLflow: {}; 'lamella runs publish "
                    "{}' sends it",
                    error.what(), state.record.folder()));
  }
}

// MLflow's id of the search's run, "" if it is at no server.
std::string parent_of(const SearchState& state) {
  return state.sent.is_object() ? state.sent.value("mlflow_run_id", "") : "";
}

void choose_server(SearchState& state, const mlflow::CallingClient& client) {
  const mlflow::TrackingOptions& tracking = state.study.tracking;
  state.record.document().placement = mlflow::placement_of(tracking, client);
  state.server = mlflow::publish_options(tracking, client,
                                         [&](const std::string& why) { state.context.warn(why); });
}

// A trial's own warnings are in its own record; shown once, whichever trial they are of.
Context context_of_trial(const SearchState& state, const Context& shown, size_t place) {
  Context context = with_step_names(
      state.context,
      [place, all = state.record.document().search->trials.size()](std::string_view step) {
        return fmt::format("trial {}/{} {}", place + 1, all, step);
      });
  context.warning = shown.warning;
  return context;
}

void take_result(SearchState& state, size_t place, study::StudyResult made) {
  record::SearchTrial& trial = state.search().trials[place];
  trial.run_id = made.record.run_id;
  for (const record::Outcome& slide : made.record.outcomes) {
    if (!slide.error) continue;
    // On fewer slides than the others its figures are no better or worse than theirs.
    throw Error(ErrorCode::kMismatch,
                fmt::format("slide '{}' failed: {}", slide.slide_id, *slide.error));
  }
  const record::Training& training = made.record.training.value();
  trial.log_loss = training.held_out_log_loss;
  trial.auc = training.held_out_auc;
  trial.lambda = training.lambda;
  for (const int64_t rows : training.class_rows) trial.patches += rows;
  trial.status = "done";
  if (made.in_turn.folds.empty() || made.in_turn.fold_of.empty()) return;
  if (state.fold_of.empty()) state.fold_of = made.in_turn.fold_of;
  state.turns[place] = std::move(made.in_turn);
}

void run_trial(SearchState& state, size_t place, const Context& context) {
  record::SearchTrial& trial = state.search().trials[place];
  const AddSeconds timer(trial.seconds);
  try {
    study::RunOptions options;
    options.trial_of = record::TrialOf{state.record.document().run_id, trial.name, false};
    options.fold_of = state.fold_of;
    options.tissue_output = state.study.output;
    take_result(state, place,
                study::run_study(study_of_trial(state.study, trial, false, parent_of(state)),
                                 options, context));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    trial.error = study::spell_keys(error.what());
  } catch (const std::bad_alloc&) {
    trial.error = "out of memory";
  }
  if (!trial.error) return;
  trial.status = "failed";
  state.context.warn(fmt::format("trial '{}' failed: {}", trial.name, *trial.error));
}

void measure_trial(SearchState& state, size_t place) {
  const record::SearchTrial& trial = state.search().trials[place];
  const auto step = static_cast<int64_t>(place);
  if (trial.log_loss) state.record.measure("trial_log_loss", *trial.log_loss, step);
  if (trial.auc) state.record.measure("trial_auc", *trial.auc, step);
  state.record.measure("trial_seconds", trial.seconds, step);
}

void run_trials(SearchState& state, const Context& shown) {
  const Stopwatch watch;
  const std::optional<double> hours = state.study.learning.search.hours;
  const size_t all = state.search().trials.size();
  for (size_t place = 0; place < all; ++place) {
    state.context.cancel.check();
    if (place > 0 && hours && watch.seconds() > *hours * kSecondsPerHour) {
      state.context.warn(fmt::format("{} of {} trials were not begun within search.hours = {}",
                                     all - place, all, format_double(*hours)));
      break;
    }
    run_trial(state, place, context_of_trial(state, shown, place));
    measure_trial(state, place);
    state.record.write();
    write_search_table(state.search(), state.record.folder());
  }
}

void record_evaluation(SearchState& state, const std::string& name,
                       const evaluation::ClassMetrics& metrics, evaluation::Details details) {
  record::RunDocument& document = state.record.document();
  for (const auto& [figure, value] : evaluation::figures_of(metrics)) {
    state.record.measure(name + "_" + figure, value);
  }
  details.wrong.clear();  // their pictures are in the report of the chosen trial's run
  if (metrics.n > 0) document.details[name] = std::move(details);
  document.metrics[name] = metrics;
}

void choose_without_folds(SearchState& state) {
  const verbs::SplitKind kind = state.study.learning.split.kind;
  if (kind == verbs::SplitKind::kRoles) return;
  if (kind == verbs::SplitKind::kSpatial) {
    state.context.warn(
        "split.kind = spatial parts no patients: the trial is chosen over all of them, and the "
        "search gives no figures of folds; k-fold would");
    return;
  }
  verbs::EvaluateOptions options;
  for (const cohort::SlideEntry& entry : slides_of(state.study)) {
    options.patients[to_lower(entry.slide_id)] = entry.patient_id;
  }
  auto nested = choose_in_turn(state.search().trials, state.turns, state.study.learning.search.by,
                               options, state.context);
  if (!nested) return;
  state.search().folds = std::move(nested->folds);
  record_evaluation(state, "folds", nested->pooled.all, std::move(nested->pooled.details));
}

// Returns the folder of its model.
std::string run_chosen(SearchState& state, const Context& shown) {
  const auto best = best_trial(state.search().trials, state.study.learning.search.by);
  if (!best) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("none of {} trials was done; see the failures above",
                            state.search().trials.size()),
                state.study.source.path);
  }
  const record::SearchTrial& trial = state.search().trials[*best];
  state.search().chosen = trial.name;
  state.record.write();
  study::RunOptions options;
  options.trial_of = record::TrialOf{state.record.document().run_id, trial.name, true};
  options.tissue_output = state.study.output;
  Context context = with_step_names(
      state.context, [](std::string_view step) { return fmt::format("chosen {}", step); });
  context.warning = shown.warning;
  const study::StudyResult made = study::run_study(
      study_of_trial(state.study, trial, true, parent_of(state)), options, context);
  record::RunDocument& document = state.record.document();
  state.search().chosen_run_id = made.record.run_id;
  document.split = made.record.split;
  for (const auto& [name, metrics] : made.record.metrics) {
    if (document.metrics.contains(name)) continue;  // the folds
    const auto details = made.record.details.find(name);
    record_evaluation(
        state, name, metrics,
        details == made.record.details.end() ? evaluation::Details{} : details->second);
  }
  for (const record::Outcome& slide : made.record.outcomes) {
    if (slide.error) {
      state.context.warn(fmt::format("slide '{}' failed: {}", slide.slide_id, *slide.error));
    }
  }
  return trial.output + "/model";
}

// Each text once, however many trials say it.
std::function<void(const std::string&)> once(const std::function<void(const std::string&)>& warn) {
  auto said = std::make_shared<std::set<std::string>>();
  return [said, warn](const std::string& text) {
    if (warn && said->insert(text).second) warn(text);
  };
}

void say_what_to_expect(SearchState& state, int64_t left_out) {
  if (left_out > 0) {
    state.context.note(fmt::format("{} of {} combinations are tried (search.trials)",
                                   state.search().trials.size(),
                                   state.search().trials.size() + static_cast<size_t>(left_out)));
  }
  std::set<std::string> patients;
  for (const cohort::SlideEntry& entry : slides_of(state.study)) {
    if (entry.role == cohort::Role::kTrain) patients.insert(to_lower(entry.patient_id));
  }
  if (patients.size() < static_cast<size_t>(verbs::kMinPatientsForFolds)) {
    state.context.warn(fmt::format(
        "the slides to train on are of {} patients: rows are held out by blocks of the slides, so "
        "the choice is by other places of the same patients; {} patients would do",
        patients.size(), verbs::kMinPatientsForFolds));
  }
}

void end_badly(SearchState& state, const Error& error) {
  const bool interrupted = error.code() == ErrorCode::kInterrupted;
  try {
    state.record.document().error = study::spell_keys(error.what());
    state.record.finish(interrupted ? record::Status::kKilled : record::Status::kFailed);
    send(state, interrupted);
  } catch (const Error&) {
    return;  // `error` came first, and is told
  }
}

std::string write_report(SearchState& state) {
  try {
    return report::report_run(state.record.folder(), "", state.context);
  } catch (const Error& error) {
    state.context.warn(fmt::format("the search has no report: {}", error.what()));
  }
  return "";
}

}  // namespace

SearchResult search_study(const study::Study& study, const mlflow::CallingClient& client,
                          const Context& context) {
  SearchTrials trials = search_trials(study);
  const int64_t left_out = trials.left_out;
  io::require_writable_folder(study.output);
  const io::OutputLock lock(study.output + "/run.lock", study.output,
                            without_credentials(own_command()), context.warning);
  record::RunRecord record(study.output + "/runs", study.name);
  Context shown = context;
  shown.warning = once(context.warning);
  SearchState state{.study = study, .context = shown, .record = record};
  state.context.warning = [&](const std::string& raw) {
    const std::string text = study::spell_keys(raw);
    record.add_warning(text);
    shown.warn(text);
  };
  start_record(state, std::move(trials));
  SearchResult result;
  try {
    choose_server(state, client);
    send(state, false);
    say_what_to_expect(state, left_out);
    run_trials(state, shown);
    choose_without_folds(state);
    result.model = run_chosen(state, shown);
  } catch (const Error& error) {
    end_badly(state, error);
    throw;
  }
  write_search_table(state.search(), record.folder());
  record.finish(record::Status::kFinished);
  result.report = write_report(state);
  send(state, false);
  result.record = record.document();
  result.run_folder = record.folder();
  result.mlflow = state.sent;
  return result;
}

int64_t SearchResult::count(const std::string& status) const {
  return std::ranges::count(record.search.value().trials, status, &record::SearchTrial::status);
}

bool SearchResult::all_done() const {
  return count("done") == static_cast<int64_t>(record.search.value().trials.size());
}

nlohmann::json to_json(const SearchResult& result) {
  const nlohmann::json document = result.record;
  return {{"run_id", result.record.run_id},
          {"run_dir", result.run_folder},
          {"report", result.report},
          {"table", result.run_folder + "/" + kSearchTable},
          {"model", result.model},
          {"search", document.at("search")},
          {"metrics", result.record.metrics},
          {"warnings", result.record.warnings},
          {"mlflow", result.mlflow}};
}

}  // namespace lamella::search
