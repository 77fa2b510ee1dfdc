// SPDX-License-Identifier: Apache-2.0
#include "lamella/search/search_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

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
  record::RunRecord& record;
  Context context{};                // its warnings go into the record, too
  Context shown{};                  // its warnings do not
  mlflow::PublishOptions server{};  // uri "": nowhere
  TurnsOfTrials turns{};
  std::map<std::string, int> fold_of{};  // as the first trial that was done has it
  nlohmann::json sent{};

  record::Search& search() { return *record.document().search; }
};

void start_record(SearchState& state, std::vector<record::SearchTrial> trials) {
  const study::Study& study = state.study;
  record::RunDocument& document = state.record.document();
  study::begin_record(document, study, state.context.threads, false);
  document.seeds["search.seed"] = study.learning.search.seed;
  document.software = record::describe_software({});
  document.inputs = {record::input_or_error("study", study.source.path, false),
                     record::input_or_error("slides table", study.slides.table, false)};
  document.search.emplace();
  document.search->by = study.learning.search.by == verbs::SearchBy::kAuc ? "auc" : "log_loss";
  document.search->trials = std::move(trials);
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

void take_result(SearchState& state, TrialResult result) {
  record::SearchTrial& trial = state.search().trials.at(result.place);
  trial = std::move(result.trial);
  if (trial.error) {
    state.context.warn(fmt::format("trial '{}' failed: {}", trial.name, *trial.error));
  } else if (!result.in_turn.folds.empty() && !result.in_turn.fold_of.empty()) {
    if (state.fold_of.empty()) state.fold_of = result.in_turn.fold_of;
    state.turns[result.place] = std::move(result.in_turn);
  }
  const auto step = static_cast<int64_t>(result.place);
  if (trial.log_loss) state.record.measure("trial_log_loss", *trial.log_loss, step);
  if (trial.auc) state.record.measure("trial_auc", *trial.auc, step);
  state.record.measure("trial_seconds", trial.seconds, step);
  state.record.write();
  write_search_table(state.search(), state.record.folder());
}

TrialJob job_of(SearchState& state, size_t place) {
  const record::SearchTrial& trial = state.search().trials[place];
  TrialJob job{place, trial, study_of_trial(state.study, trial, false, parent_of(state)), {}, {}};
  job.options.trial_of = record::TrialOf{state.record.document().run_id, trial.name, false};
  job.options.fold_of = state.fold_of;
  job.options.tissue_output = state.study.output;
  try {
    job.encoder_sha256 = encoder::find_encoder(job.study.encoder.name).sha256;
  } catch (const Error&) {
    return job;  // the trial fails by it
  }
  return job;
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
std::string run_chosen(SearchState& state) {
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
  context.warning = state.shown.warning;
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

void end_badly(SearchState& state, const std::string& message, bool interrupted) {
  try {
    state.record.document().error = study::spell_keys(message);
    state.record.finish(interrupted ? record::Status::kKilled : record::Status::kFailed);
    send(state, interrupted);
  } catch (const Error&) {
    return;  // what the message tells came first
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

std::string writable(const std::string& output) {
  io::require_writable_folder(output);
  return output + "/run.lock";
}

}  // namespace

struct StartedSearch::Parts {
  Parts(const study::Study& given, const Context& context)
      : study(given),
        made(search_trials(study)),
        lock(writable(study.output), study.output, without_credentials(own_command()),
             context.warning),
        record(study.output + "/runs", study.name) {}

  // What the caller's context says goes into the record, too.
  void use_context(const Context& context) {
    state.shown = context;
    state.shown.warning = [this, warn = context.warning](const std::string& text) {
      // Each text once, however many trials say it.
      if (warn && said.insert(text).second) warn(text);
    };
    state.context = state.shown;
    state.context.warning = [this](const std::string& raw) {
      const std::string text = study::spell_keys(raw);
      record.add_warning(text);
      state.shown.warn(text);
    };
  }
  bool out_of_time();

  study::Study study;
  SearchTrials made;
  io::OutputLock lock;
  record::RunRecord record;
  SearchState state{.study = study, .record = record};
  std::set<std::string> said;
  Stopwatch watch;
  std::set<size_t> begun;
  std::set<std::string> busy;  // outputs of trials that go on
  bool over = false;           // no more trials begin
  bool ended = false;          // by finish or fail
};

bool StartedSearch::Parts::out_of_time() {
  const std::optional<double> hours = study.learning.search.hours;
  if (begun.empty() || !hours || watch.seconds() <= *hours * kSecondsPerHour) return false;
  const size_t all = state.search().trials.size();
  state.context.warn(fmt::format("{} of {} trials were not begun within search.hours = {}",
                                 all - begun.size(), all, format_double(*hours)));
  return true;
}

StartedSearch::StartedSearch(const study::Study& study, const mlflow::CallingClient& client,
                             const Context& context)
    : parts_(std::make_unique<Parts>(study, context)) {
  SearchState& state = parts_->state;
  parts_->use_context(context);
  start_record(state, std::move(parts_->made.trials));
  try {
    choose_server(state, client);
    send(state, false);
    say_what_to_expect(state, parts_->made.left_out);
  } catch (const Error& error) {
    fail(error.what(), error.code() == ErrorCode::kInterrupted, context);
    throw;
  }
}

StartedSearch::~StartedSearch() = default;

std::optional<TrialJob> StartedSearch::begin(const Context& context) {
  Parts& parts = *parts_;
  parts.use_context(context);
  context.cancel.check();
  const verbs::SplitKind kind = parts.study.learning.split.kind;
  const bool alone = kind == verbs::SplitKind::kFolds && parts.state.fold_of.empty();
  if (parts.over || (alone && !parts.busy.empty())) return {};
  const std::vector<record::SearchTrial>& trials = parts.state.search().trials;
  for (size_t place = 0; place < trials.size(); ++place) {
    if (parts.begun.contains(place) || parts.busy.contains(trials[place].output)) continue;
    parts.over = parts.out_of_time();
    if (parts.over) return {};
    parts.begun.insert(place);
    parts.busy.insert(trials[place].output);
    return job_of(parts.state, place);
  }
  return {};
}

void StartedSearch::end(TrialResult result, const Context& context) {
  parts_->use_context(context);
  parts_->busy.erase(result.trial.output);
  take_result(parts_->state, std::move(result));
}

Context StartedSearch::context_of(const TrialJob& job, const Context& context) {
  parts_->use_context(context);
  return with_step_names(
      parts_->state.shown,
      [place = job.place + 1, all = parts_->state.search().trials.size()](std::string_view step) {
        return fmt::format("trial {}/{} {}", place, all, step);
      });
}

std::optional<study::Study> StartedSearch::chosen() const {
  SearchState& state = parts_->state;
  const std::vector<record::SearchTrial>& trials = state.search().trials;
  const auto best = best_trial(trials, state.study.learning.search.by);
  if (!best) return {};
  return study_of_trial(state.study, trials[*best], true, parent_of(state));
}

SearchResult StartedSearch::finish(const Context& context) {
  SearchState& state = parts_->state;
  parts_->use_context(context);
  SearchResult result;
  try {
    choose_without_folds(state);
    result.model = run_chosen(state);
  } catch (const Error& error) {
    fail(error.what(), error.code() == ErrorCode::kInterrupted, context);
    throw;
  }
  write_search_table(state.search(), state.record.folder());
  parts_->ended = true;
  state.record.finish(record::Status::kFinished);
  result.report = write_report(state);
  send(state, false);
  result.record = state.record.document();
  result.run_folder = state.record.folder();
  result.mlflow = state.sent;
  return result;
}

void StartedSearch::fail(const std::string& message, bool interrupted, const Context& context) {
  if (std::exchange(parts_->ended, true)) return;
  parts_->use_context(context);
  end_badly(parts_->state, message, interrupted);
}

SearchResult search_study(const study::Study& study, const mlflow::CallingClient& client,
                          const Context& context) {
  StartedSearch search(study, client, context);
  try {
    while (const auto job = search.begin(context)) {
      search.end(run_trial(*job, search.context_of(*job, context)), context);
    }
  } catch (const Error& error) {
    search.fail(error.what(), error.code() == ErrorCode::kInterrupted, context);
    throw;
  }
  return search.finish(context);
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
