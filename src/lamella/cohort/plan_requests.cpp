// SPDX-License-Identifier: Apache-2.0
// Which plans are made of a slide, and what they depend on.
#include "lamella/cohort/pieces.h"
#include "lamella/verbs/scale.h"

namespace lamella::cohort {

namespace {

storage::PlanKey common_key(const PieceContext& pieces, const CohortSlide& slide,
                            const char* kind) {
  storage::PlanKey key;
  key.kind = kind;
  key.slide_id = slide.entry.slide_id;
  key.tissue = mask_key(pieces.plans, slide);
  key.scaled = pieces.mpp.has_value();
  return key;
}

void add_labels(const PieceContext& pieces, const CohortSlide& slide, storage::PlanKey& key) {
  const patch::LabelSources& labels = pieces.plans.labels;
  if (labels.by_annotations()) {
    key.rule = labels.rule;
    key.annotations_sha256 = slide.annotations_sha256;
    return;
  }
  key.classes = pieces.plans.classes();
  for (const patch::LabelledCentres& list : pieces.centres) {
    const auto own = annotation::centres_of(list.centres, slide.entry.slide_id);
    key.centres.push_back({list.label, storage::centres_sha256(own)});
  }
}

}  // namespace

PlanRequest labelled_request(const PieceContext& pieces, const CohortSlide& slide,
                             const Context& context) {
  const PlanRules& plans = pieces.plans;
  PlanRequest request;
  request.key = common_key(pieces, slide, "labelled");
  request.key.spec = slide.entry.role == Role::kTrain
                         ? plans.patches
                         : verbs::spec_for_slide(plans.patches, pieces.mpp, slide.info, context);
  add_labels(pieces, slide, request.key);
  request.make = [&pieces, &slide, &plans,
                  spec = request.key.spec](const tissue::TissueMask& mask) {
    const std::string& id = slide.entry.slide_id;
    return plans.labels.by_annotations()
               ? patch::plan_from_annotations(slide.info, id, spec, mask, *slide.annotations,
                                              plans.labels.rule)
               : patch::plan_from_centres(slide.info, id, spec, mask,
                                          {plans.classes(), pieces.centres});
  };
  return request;
}

PlanRequest grid_request(const PieceContext& pieces, const CohortSlide& slide,
                         const Context& context) {
  PlanRequest request;
  request.key = common_key(pieces, slide, "grid");
  request.key.spec = verbs::spec_for_slide(pieces.plans.patches, pieces.mpp, slide.info, context);
  request.key.grid = pieces.plans.grid;
  request.make = [&pieces, &slide, spec = request.key.spec](const tissue::TissueMask& mask) {
    return patch::plan_grid(slide.info, slide.entry.slide_id, spec, mask, pieces.plans.grid);
  };
  return request;
}

}  // namespace lamella::cohort
