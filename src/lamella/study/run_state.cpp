// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/storage/changes.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

namespace {

constexpr const char* kUnfinished = "it was damaged or not finished";

// While it lives the names of steps begin with the slide's place.
class ProgressOfCohort {
 public:
  ProgressOfCohort(Context& context, const int64_t& place, int64_t total)
      : context_(context), shown_(context.progress) {
    if (!shown_) return;
    context.progress = [this, &place, total](const Progress& progress) {
      const std::string name = fmt::format("{}/{} {}", place, total, progress.step);
      shown_({name, progress.done, progress.total, progress.unit});
    };
  }
  ~ProgressOfCohort() { context_.progress = shown_; }
  ProgressOfCohort(const ProgressOfCohort&) = delete;
  ProgressOfCohort& operator=(const ProgressOfCohort&) = delete;

 private:
  Context& context_;
  std::function<void(const Progress&)> shown_;
};

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
    } catch (const std::exception& error) {  // of another library, out of threads for instance
      work.outcome.error = work.entry.path + ": unexpected: " + error.what();
    }
    work.slide.reset();
    if (!work.alive()) {
      work.outcome.status = "failed";
      state.context.warn("slide '" + work.entry.slide_id + "' failed: " + *work.outcome.error);
    }
    record_outcomes(state, false);
    send_record(state, Moment::kSlide);
  }
}

void for_each_slide_but(RunState& state, Role except, const std::function<void(SlideWork&)>& step) {
  const auto concerned = [&](const SlideWork& work) {
    return work.alive() && work.entry.role != except;
  };
  const auto total = std::count_if(state.works.begin(), state.works.end(), concerned);
  int64_t place = 0;
  const ProgressOfCohort progress(state.context, place, total);
  for_each_slide(state, [&](SlideWork& work) {
    if (work.entry.role == except) return;
    ++place;
    step(work);
  });
}

void note_remade(RunState& state, SlideWork& work, const std::string& piece,
                 std::vector<std::string> why) {
  state.context.note(
      fmt::format("slide '{}': {} made again: {}", work.entry.slide_id, piece, join(why, ", ")));
  work.outcome.remade.push_back({piece, std::move(why)});
}

bool find_finished(RunState& state, SlideWork& work, const std::string& piece,
                   const std::string& path, const std::string& key) {
  if (!io::exists(path)) return false;
  const auto found = storage::read_key(path);
  if (found == key) return true;
  note_remade(state, work, piece,
              found ? storage::changes(*found, key) : std::vector<std::string>{kUnfinished});
  return false;
}

}  // namespace lamella::study
