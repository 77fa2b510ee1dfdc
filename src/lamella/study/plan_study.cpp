// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/plan_study.h"

#include "lamella/base/error.h"
#include "lamella/cohort/pieces.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/scale.h"

namespace lamella::study {

cohort::PieceContext piece_context(const Study& study, const encoder::EncoderInfo& encoder) {
  return {study.plans,
          study.encoder.options,
          study.heatmap,
          encoder,
          encoder::resolve_precision(study.encoder.options.precision, encoder),
          study.output};
}

std::optional<double> study_mpp(const Study& study, const std::vector<cohort::SlideEntry>& slides,
                                const Context& context) {
  std::vector<verbs::SlideScale> scales;
  for (const cohort::SlideEntry& entry : slides) {
    if (entry.role != cohort::Role::kTrain) continue;
    context.cancel.check();
    try {
      const auto slide = slide::open_slide(entry.path, open_options(entry));
      scales.push_back({entry.slide_id,
                        patch::resolve_geometry(study.plans.patches, slide->info()).effective_mpp});
    } catch (const Error& error) {
      context.warn("slide '" + entry.slide_id + "': " + error.what());
    }
  }
  return verbs::training_mpp(scales);
}

std::vector<SlideJob> slide_jobs(const Study& study, const std::vector<cohort::SlideEntry>& slides,
                                 const Context& context) {
  const auto lists = verbs::read_lists(study.plans.labels, context).lists;
  const auto mpp = study_mpp(study, slides, context);
  std::vector<SlideJob> jobs;
  for (const cohort::SlideEntry& entry : slides) {
    SlideJob job{study, entry, {}, mpp, {}};
    for (const patch::LabelledCentres& list : lists) {
      job.centres.push_back(
          {annotation::centres_of(list.centres, entry.slide_id), list.label, list.path});
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

namespace {

// use(pieces, request) for each piece of the job's slide.
template <typename Use>
void for_each_piece(const SlideJob& job, const encoder::EncoderInfo& encoder,
                    const Context& context, const Use& use) {
  cohort::PieceContext pieces = piece_context(job.study, encoder);
  pieces.mpp = job.model_mpp;
  pieces.tissue_output = job.tissue_output;
  pieces.centres = job.centres;
  cohort::CohortSlide slide = cohort::open_cohort_slide(job.slide, context);
  cohort::add_annotations(job.study.plans, job.study.slides.table, slide, context);
  cohort::LazyEncoder not_needed;
  cohort::SlidePieces slide_pieces(pieces, slide, not_needed, context);
  const cohort::Role role = job.slide.role;
  if (role != cohort::Role::kScore) {
    use(slide_pieces, cohort::labelled_request(pieces, slide, context));
  }
  if (role != cohort::Role::kTrain) {
    use(slide_pieces, cohort::grid_request(pieces, slide, context));
  }
}

bool is_finished(const cohort::SlidePieces& pieces, const cohort::PlanRequest& request) {
  return storage::read_key(pieces.features_path(request)) == pieces.features_key(request);
}

}  // namespace

std::vector<StudyPiece> plan_slide_job(const SlideJob& job, const encoder::EncoderInfo& encoder,
                                       const Context& context) {
  std::vector<StudyPiece> made;
  for_each_piece(job, encoder, context,
                 [&](cohort::SlidePieces& pieces, const cohort::PlanRequest& request) {
                   StudyPiece piece;
                   piece.kind = request.key.kind;
                   piece.features_path = pieces.features_path(request);
                   piece.key = pieces.features_key(request);
                   piece.finished = is_finished(pieces, request);
                   piece.plan = pieces.plan(request).plan;
                   made.push_back(std::move(piece));
                 });
  return made;
}

bool slide_job_finished(const SlideJob& job, const encoder::EncoderInfo& encoder,
                        const Context& context) {
  bool finished = true;
  for_each_piece(job, encoder, context,
                 [&](cohort::SlidePieces& pieces, const cohort::PlanRequest& request) {
                   finished = finished && is_finished(pieces, request);
                 });
  return finished;
}

}  // namespace lamella::study
