// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

void choose_server(RunState& state) {
  const TrackingOptions& options = state.study.tracking;
  state.publish.register_model = options.register_model;
  state.publish.alias = options.alias;
  if (options.mlflow) {
    state.publish.uri = *options.mlflow;
    return;
  }
  state.publish.uri = tracking::tracking_uri_from_environment();
  const char* value = std::getenv("MLFLOW_TRACKING_URI");
  try {
    if (!state.publish.uri.empty()) state.publish.validate();
    if (state.publish.uri.empty() && value && *value) {
      throw Error(ErrorCode::kInvalidArgument, "is no http or https address");
    }
  } catch (const Error& error) {
    state.publish.uri.clear();
    state.context.warn(
        fmt::format("MLFLOW_TRACKING_URI: {}; nothing is sent to MLflow, the run is recorded in {}",
                    error.message(), state.record.folder()));
  }
}

namespace {

void show_warnings(RunState& state) {
  for (const std::string& message : state.follower->take_warnings()) state.context.warn(message);
}

// The last sending, which the run waits for.
void send_record(RunState& state, Moment moment) {
  const AddSeconds timer(state.publish_seconds);
  state.follower->stop();
  show_warnings(state);
  state.publish.last_words = moment == Moment::kInterrupted;
  try {
    const tracking::Published published = tracking::publish_run(
        state.record.document(), state.record.folder(), state.publish, state.context);
    state.result.mlflow = tracking::to_json(published);
    for (const std::string& path : published.files_missing) {
      state.context.warn(path + ": is gone; not sent to MLflow");
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    state.context.warn(
        fmt::format("MLflow: {}; the run is kept and 'lamella runs publish {}' sends it later",
                    error.what(), state.record.folder()));
  }
}

}  // namespace

void follow_run(RunState& state, Moment moment) {
  if (state.publish.uri.empty()) return;
  if (!state.follower) {
    state.follower =
        std::make_unique<RunFollower>(state.publish, state.record.folder(), state.context.cancel);
  }
  if (moment == Moment::kUnderway || moment == Moment::kSlide) {
    show_warnings(state);
    if (moment == Moment::kSlide && !state.follower->idle()) return;
    state.record.set("outputs", outputs_json(state));
    state.follower->post(state.record.document());
    return;
  }
  send_record(state, moment);
  if (state.result.mlflow.is_object()) state.result.mlflow["seconds"] = state.publish_seconds;
}

}  // namespace lamella::study
