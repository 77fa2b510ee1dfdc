// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/study/run_state_internal.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

namespace {

storage::PlanKey labels_key(const RunState& state, const SlideWork& work) {
  storage::PlanKey key;
  key.rule = state.study.from_annotations;
  if (key.rule) {
    key.annotations_sha256 = work.annotations_sha256;
    return key;
  }
  key.classes = state.study.classes;
  for (const patch::LabelledCentres& list : state.centres) {
    key.centres.push_back({list.label, storage::centres_sha256(annotation::centres_of(
                                           list.centres, work.entry.slide_id))});
  }
  return key;
}

}  // namespace

PlanRequest labelled_request(const RunState& state, const SlideWork& work) {
  const patch::PatchSpec spec =
      work.entry.role == Role::kTrain
          ? state.study.patches
          : verbs::spec_for_slide(state.study.patches, state.model_mpp, *work.info, state.context);
  PlanRequest request;
  request.kind = "labelled";
  request.spec = spec;
  request.has_scale = state.model_mpp.has_value();
  request.key = labels_key(state, work);
  request.make = [&state, &work, spec](const tissue::TissueMask& mask) {
    return state.study.from_annotations
               ? patch::plan_from_annotations(*work.info, work.entry.slide_id, spec, mask,
                                              *work.annotations, *state.study.from_annotations)
               : patch::plan_from_centres(*work.info, work.entry.slide_id, spec, mask,
                                          {state.study.classes, state.centres});
  };
  return request;
}

void encode_labelled(RunState& state) {
  for_each_slide_but(state, Role::kScore, [&](SlideWork& work) {
    const auto reader =
        planned_features(state, work, labelled_request(state, work), work.labelled_key);
    work.labelled = storage::read_all(*reader);
    if (work.labelled->plan.rows.empty()) {
      state.context.warn(fmt::format("slide '{}' ({}) has no labelled patches", work.entry.slide_id,
                                     to_string(work.entry.role)));
    }
  });
}

}  // namespace lamella::study
