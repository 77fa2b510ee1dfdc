// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/byte_source.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/study/run_state_internal.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

namespace {

nlohmann::json label_inputs(const RunState& state, const SlideWork& work) {
  nlohmann::json inputs = nlohmann::json::array();
  for (const patch::LabelledCentres& list : state.centres) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& centre : annotation::centres_of(list.centres, work.entry.slide_id)) {
      rows.push_back({centre.x_px, centre.y_px});
    }
    inputs.push_back({{"centres", {{"label", list.label}, {"rows", sha256_hex(rows.dump())}}}});
  }
  if (state.study.from_annotations) {
    inputs.push_back({{"rule", to_json(state.study)["patches"]["from_annotations"]},
                      {"annotations", work.annotations_sha256}});
  }
  return inputs;
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
  request.inputs = label_inputs(state, work);
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
