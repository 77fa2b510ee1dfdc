// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

void choose_server(RunState& state, const mlflow::CallingClient& client) {
  state.sending.options =
      mlflow::choose_server(state.record.document(), state.study.tracking, client,
                            [&](const std::string& why) { state.context.warn(why); });
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
