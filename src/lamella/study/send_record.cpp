// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/study/run_report_internal.h"

namespace lamella::study {

void choose_server(RunState& state) {
  state.sending.options =
      mlflow::publish_options(state.study.tracking, [&](const std::string& why) {
        state.context.warn(fmt::format("{}; nothing is sent to MLflow, the run is recorded in {}",
                                       why, state.record.folder()));
      });
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
  state.sending.result = mlflow::to_json(*published);
  state.sending.result["seconds"] = state.sending.seconds;
}

}  // namespace lamella::study
