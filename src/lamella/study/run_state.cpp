// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <new>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

StepTimer::StepTimer(double& seconds) : seconds_(seconds), start_(now_seconds()) {}

StepTimer::~StepTimer() { seconds_ += now_seconds() - start_; }

encoder::Encoder& RunState::loaded_encoder() {
  if (!encoder) {
    encoder = encoder::load_encoder(encoder_info, precision, context.threads);
    result.compile_seconds = encoder->compile_seconds();
  }
  return *encoder;
}

std::string RunState::file(const std::string& folder, const SlideWork& work,
                           const std::string& extension) const {
  return study.output + "/" + folder + "/" + work.entry.slide_id + extension;
}

void for_each_slide(RunState& state, const std::function<void(SlideWork&)>& step) {
  for (SlideWork& work : state.works) {
    if (!work.alive()) continue;
    state.context.cancel.check();
    const StepTimer timer(work.outcome.seconds);
    try {
      step(work);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      work.outcome.error = error.what();
    } catch (const std::bad_alloc&) {
      work.outcome.error = work.entry.path + ": out of memory";
    }
    if (!work.alive()) {
      state.context.warn("slide '" + work.entry.slide_id + "' failed: " + work.outcome.error);
    }
    record_outcomes(state, false);
    follow_run(state, Moment::kSlide);
  }
}

std::string piece_key(const nlohmann::json& inputs) {
  return sha256_hex(nlohmann::json{{"lamella", LAMELLA_VERSION}, {"inputs", inputs}}.dump());
}

}  // namespace lamella::study
