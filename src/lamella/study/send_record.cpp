// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

void choose_server(RunState& state) {
  const TrackingOptions& options = state.study().tracking;
  state.sending.options.register_model = options.register_model;
  state.sending.options.alias = options.alias;
  if (options.mlflow) {
    state.sending.options.uri = *options.mlflow;
    return;
  }
  state.sending.options.uri = mlflow::tracking_uri_from_environment();
  const char* value = std::getenv("MLFLOW_TRACKING_URI");
  try {
    if (!state.sending.options.uri.empty()) state.sending.options.validate();
    if (state.sending.options.uri.empty() && value && *value) {
      throw Error(ErrorCode::kInvalidArgument, "is no http or https address");
    }
  } catch (const Error& error) {
    state.sending.options.uri.clear();
    state.context.warn(
        fmt::format("MLFLOW_TRACKING_URI: {}; nothing is sent to MLflow, the run is recorded in {}",
                    error.message(), state.record.folder()));
  }
}

void send_record(RunState& state, Moment moment) {
  if (state.sending.options.uri.empty()) return;
  if (!state.sending.follower) {
    state.sending.follower = std::make_unique<mlflow::Follower>(
        state.sending.options, state.record.folder(), state.context.cancel);
  }
  if (moment == Moment::kUnderway || moment == Moment::kSlide) {
    for (const std::string& text : state.sending.follower->take_warnings())
      state.context.warn(text);
    if (moment == Moment::kSlide && !state.sending.follower->idle()) return;
    state.record.document().outputs = outputs_of(state);
    state.record.write();
    state.sending.follower->post(state.record.document());
    return;
  }
  const bool last_words = moment == Moment::kInterrupted;
  const std::optional<mlflow::Published> published = [&] {
    const AddSeconds timer(state.sending.seconds);
    return state.sending.follower->finish(state.record.document(), last_words, state.context);
  }();
  if (!published) return;
  state.result.mlflow = mlflow::to_json(*published);
  state.result.mlflow["seconds"] = state.sending.seconds;
}

}  // namespace lamella::study
