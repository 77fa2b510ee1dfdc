// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

void choose_server(RunState& state, const mlflow::CallingClient& client) {
  const mlflow::TrackingOptions& tracking = state.study.tracking;
  const record::Placement& placement =
      state.record.document().placement.emplace(mlflow::placement_of(tracking, client));
  state.sending.options = mlflow::publish_options(tracking, client, [&](const std::string& why) {
    state.context.warn(fmt::format("{}; nothing is sent to MLflow, the run is recorded in {}", why,
                                   state.record.folder()));
  });
  const bool left_alone = !client.active_run_id.empty() && tracking.parent.empty() &&
                          placement.mlflow_run_id != client.active_run_id;
  if (left_alone && !state.sending.options.uri.empty()) {
    state.context.warn(
        fmt::format("the active MLflow run {} is not at the server that the study names; the run "
                    "is not part of it",
                    client.active_run_id));
  }
}

namespace {

// The record as it is now, for its thread to send.
void post(RunState& state) {
  state.record.document().outputs = outputs_of(state);
  state.record.write();
  state.sending.follower->post(state.record.document());
}

}  // namespace

void send_record(RunState& state, Moment moment) {
  Sending& sending = state.sending;
  if (sending.options.uri.empty()) return;
  if (moment == Moment::kStart && sending.options.required) {
    state.record.write();
    mlflow::publish_run(state.record.document(), state.record.folder(), sending.options,
                        state.context);
    return;
  }
  if (!sending.follower) {
    sending.follower = std::make_unique<mlflow::Follower>(sending.options, state.record.folder(),
                                                          state.context.cancel);
  }
  for (const std::string& text : sending.follower->take_warnings()) state.context.warn(text);
  if (moment == Moment::kStart || moment == Moment::kUnderway) return post(state);
  if (moment == Moment::kSlide) {
    if (sending.follower->idle()) post(state);
    return;
  }
  const bool last_words = moment == Moment::kInterrupted;
  const std::optional<mlflow::Published> published = [&] {
    const AddSeconds timer(sending.seconds);
    return sending.follower->finish(state.record.document(), last_words, state.context);
  }();
  if (!published) return;
  sending.result = mlflow::to_json(*published);
  sending.result["seconds"] = sending.seconds;
}

}  // namespace lamella::study
