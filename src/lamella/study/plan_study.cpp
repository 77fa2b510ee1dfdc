// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/plan_study.h"

#include "lamella/base/error.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

std::optional<double> study_mpp(const Study& study, const std::vector<SlideEntry>& slides,
                                const Context& context) {
  std::vector<verbs::SlideScale> scales;
  for (const SlideEntry& entry : slides) {
    if (entry.role != Role::kTrain) continue;
    context.cancel.check();
    try {
      const auto slide = slide::open_slide(entry.path, open_options(entry));
      scales.push_back(
          {entry.slide_id, patch::resolve_geometry(study.patches, slide->info()).effective_mpp});
    } catch (const Error& error) {
      context.warn("slide '" + entry.slide_id + "': " + error.what());
    }
  }
  return verbs::training_mpp(scales);
}

std::vector<SlideJob> slide_jobs(const Study& study, const std::vector<SlideEntry>& slides,
                                 const Context& context) {
  const auto lists = read_centre_lists(study, context);
  const auto mpp = study_mpp(study, slides, context);
  std::vector<SlideJob> jobs;
  for (const SlideEntry& entry : slides) {
    SlideJob job{study, entry, {}, mpp};
    for (const patch::LabelledCentres& list : lists) {
      job.centres.push_back(
          {annotation::centres_of(list.centres, entry.slide_id), list.label, list.path});
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<StudyPiece> plan_slide_job(const SlideJob& job, const encoder::EncoderInfo& encoder,
                                       const Context& context) {
  PieceContext pieces = piece_context(job.study, encoder);
  pieces.mpp = job.model_mpp;
  pieces.centres = job.centres;
  CohortSlide slide = open_cohort_slide(job.slide, context);
  add_annotations(job.study, slide, context);
  LazyEncoder not_needed;
  SlidePieces slide_pieces(pieces, slide, not_needed, context);

  std::vector<PlanRequest> requests;
  const Role role = job.slide.role;
  if (role != Role::kScore) requests.push_back(labelled_request(pieces, slide, context));
  if (role != Role::kTrain) requests.push_back(grid_request(pieces, slide, context));
  std::vector<StudyPiece> made;
  for (const PlanRequest& request : requests) {
    StudyPiece piece;
    piece.kind = request.key.kind;
    piece.features_path = slide_pieces.features_path(request);
    piece.key = slide_pieces.features_key(request);
    piece.finished = storage::read_key(piece.features_path) == piece.key;
    piece.plan = slide_pieces.plan(request).plan;
    made.push_back(std::move(piece));
  }
  return made;
}

}  // namespace lamella::study
