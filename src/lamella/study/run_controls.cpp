// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/error.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/run_state_internal.h"

namespace lamella::study {

void run_controls(RunState& state) {
  const verbs::ControlOptions& options = state.study.controls;
  if (options.names().empty()) return;
  const AddSeconds timer(state.record.document().times["controls"]);
  std::vector<verbs::ControlSlide> slides;
  std::vector<const SlideWork*> works;
  for (const SlideWork& work : state.works) {
    if (work.entry.role == cohort::Role::kScore || !work.alive() || !work.labelled) continue;
    slides.push_back(
        {work.entry.patient_id, work.entry.role == cohort::Role::kTrain, &work.labelled->file});
    works.push_back(&work);
  }
  const auto open = [&](size_t k) { return cohort::Pixels(*works[k]->slide).open(); };
  record::RunDocument& document = state.record.document();
  try {
    document.controls =
        verbs::run_controls({slides, options, state.study.train, open}, state.context);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    // The model is not worth less; what says how much it is worth is missing.
    state.context.warn(std::string("the controls could not be run: ") + error.what());
  }
  document.seeds["controls.seed"] = options.seed;
  for (const auto& [name, metrics] : document.controls) {
    for (const auto& [figure, value] : evaluation::figures_of(metrics)) {
      state.record.measure("control_" + name + "_" + figure, value);
    }
  }
  state.record.write();
}

}  // namespace lamella::study
