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
  state.publish.uri = mlflow::tracking_uri_from_environment();
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

void send_record(RunState& state, Moment moment) {
  if (state.publish.uri.empty()) return;
  if (!state.follower) {
    state.follower = std::make_unique<mlflow::Follower>(state.publish, state.record.folder(),
                                                        state.context.cancel);
  }
  if (moment == Moment::kUnderway || moment == Moment::kSlide) {
    for (const std::string& text : state.follower->take_warnings()) state.context.warn(text);
    if (moment == Moment::kSlide && !state.follower->idle()) return;
    state.record.document().outputs = outputs_of(state);
    state.record.write();
    state.follower->post(state.record.document());
    return;
  }
  const bool last_words = moment == Moment::kInterrupted;
  const std::optional<mlflow::Published> published = [&] {
    const StepTimer timer(state.publish_seconds);
    return state.follower->finish(state.record.document(), last_words, state.context);
  }();
  if (!published) return;
  state.result.mlflow = mlflow::to_json(*published);
  state.result.mlflow["seconds"] = state.publish_seconds;
}

}  // namespace lamella::study
