// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/progress.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/run_report_internal.h"

namespace lamella::study {

namespace {

void take_report(RunState& state, SlideWork& work, const cohort::PieceReport& report) {
  record::Outcome& outcome = work.outcome;
  outcome.remade.insert(outcome.remade.end(), report.remade.begin(), report.remade.end());
  const auto& look = report.tissue;  // each step finds it again
  if (look &&
      std::ranges::count(state.tissues, look->slide_id, &tissue::CohortSlide::slide_id) == 0) {
    state.tissues.push_back(*look);
  }
  outcome.patches += report.patches;
  outcome.patches_reused += report.patches_reused;
  outcome.patches_resumed += report.patches_resumed;
  outcome.patches_left_out += report.patches_left_out;
  for (const auto& [step, seconds] : report.seconds) state.record.document().times[step] += seconds;
}

}  // namespace

void for_each_slide(RunState& state, const std::function<void(SlideWork&)>& step) {
  for (SlideWork& work : state.works) {
    if (!work.alive()) continue;
    state.context.cancel.check();
    const AddSeconds timer(work.outcome.seconds);
    try {
      step(work);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      work.outcome.error = spell_keys(error.what());
    } catch (const std::bad_alloc&) {
      work.outcome.error = without_credentials(work.entry.path) + ": out of memory";
    } catch (const std::exception& error) {  // of another library, out of threads for instance
      work.outcome.error = without_credentials(work.entry.path) + ": unexpected: " + error.what();
    }
    if (!work.alive()) {
      work.outcome.status = "failed";
      state.context.warn("slide '" + work.entry.slide_id + "' failed: " + *work.outcome.error);
    }
    record_outcomes(state, false);
    send_record(state, Moment::kSlide);
  }
}

void for_each_slide_but(RunState& state, cohort::Role except,
                        const std::function<void(SlideWork&, cohort::SlidePieces&)>& step) {
  const auto concerned = [&](const SlideWork& work) {
    return work.alive() && work.entry.role != except;
  };
  const auto total = std::count_if(state.works.begin(), state.works.end(), concerned);
  int64_t place = 0;
  const Context context = with_step_names(state.context, [&](std::string_view name) {
    return fmt::format("{}/{} {}", place, total, name);
  });
  for_each_slide(state, [&](SlideWork& work) {
    if (work.entry.role == except) return;
    ++place;
    cohort::SlidePieces pieces(state.pieces, *work.slide, state.encoder, context);
    try {
      step(work, pieces);
    } catch (...) {
      take_report(state, work, pieces.report());
      throw;
    }
    take_report(state, work, pieces.report());
  });
}

}  // namespace lamella::study
