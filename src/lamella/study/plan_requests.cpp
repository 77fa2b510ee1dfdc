// SPDX-License-Identifier: Apache-2.0
// Which plans a study makes of a slide, and what they depend on.
#include "lamella/study/pieces_internal.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

namespace {

storage::PlanKey common_key(const PieceContext& pieces, const CohortSlide& slide,
                            const char* kind) {
  storage::PlanKey key;
  key.kind = kind;
  key.slide_id = slide.entry.slide_id;
  key.tissue = mask_key(pieces.study, slide);
  key.scaled = pieces.mpp.has_value();
  return key;
}

void add_labels(const PieceContext& pieces, const CohortSlide& slide, storage::PlanKey& key) {
  const patch::LabelSources& labels = pieces.study.plans.labels;
  if (labels.by_annotations()) {
    key.rule = labels.rule;
    key.annotations_sha256 = slide.annotations_sha256;
    return;
  }
  key.classes = pieces.study.classes();
  for (const patch::LabelledCentres& list : pieces.centres) {
    const auto own = annotation::centres_of(list.centres, slide.entry.slide_id);
    key.centres.push_back({list.label, storage::centres_sha256(own)});
  }
}

}  // namespace

PlanRequest labelled_request(const PieceContext& pieces, const CohortSlide& slide,
                             const Context& context) {
  const Study& study = pieces.study;
  PlanRequest request;
  request.key = common_key(pieces, slide, "labelled");
  request.key.spec =
      slide.entry.role == Role::kTrain
          ? study.plans.patches
          : verbs::spec_for_slide(study.plans.patches, pieces.mpp, slide.info, context);
  add_labels(pieces, slide, request.key);
  request.make = [&pieces, &slide, &study,
                  spec = request.key.spec](const tissue::TissueMask& mask) {
    const std::string& id = slide.entry.slide_id;
    return study.plans.labels.by_annotations()
               ? patch::plan_from_annotations(slide.info, id, spec, mask, *slide.annotations,
                                              study.plans.labels.rule)
               : patch::plan_from_centres(slide.info, id, spec, mask,
                                          {study.classes(), pieces.centres});
  };
  return request;
}

PlanRequest grid_request(const PieceContext& pieces, const CohortSlide& slide,
                         const Context& context) {
  PlanRequest request;
  request.key = common_key(pieces, slide, "grid");
  request.key.spec =
      verbs::spec_for_slide(pieces.study.plans.patches, pieces.mpp, slide.info, context);
  request.key.grid = pieces.study.plans.grid;
  request.make = [&pieces, &slide, spec = request.key.spec](const tissue::TissueMask& mask) {
    return patch::plan_grid(slide.info, slide.entry.slide_id, spec, mask, pieces.study.plans.grid);
  };
  return request;
}

}  // namespace lamella::study
