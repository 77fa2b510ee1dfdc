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
      const auto slide = slide::open_slide(entry.path, {.mpp = entry.mpp, .image = entry.image});
      scales.push_back(
          {entry.slide_id, patch::resolve_geometry(study.patches, slide->info()).effective_mpp});
    } catch (const Error& error) {
      context.warn("slide '" + entry.slide_id + "': " + error.what());
    }
  }
  return verbs::training_mpp(scales);
}

std::vector<StudyPiece> plan_study_slide(const Study& study, const encoder::EncoderInfo& encoder,
                                         const SlideEntry& slide, std::optional<double> model_mpp,
                                         const Context& context) {
  const RunOptions options;
  StudyResult result;
  record::RunRecord nowhere;
  RunState state{
      .study = study, .options = options, .context = context, .result = result, .record = nowhere};
  state.encoder_info = encoder;
  state.precision = encoder::resolve_precision(study.precision, state.encoder_info);
  state.model_mpp = model_mpp;
  read_centres(state);
  SlideWork work;
  work.entry = slide;
  open_work(state, work);

  std::vector<PlanRequest> requests;
  if (slide.role != Role::kScore) requests.push_back(labelled_request(state, work));
  if (slide.role != Role::kTrain) requests.push_back(grid_request(state, work));
  std::vector<StudyPiece> pieces;
  for (const PlanRequest& request : requests) {
    const PieceNames names = piece_names(state, work, request);
    StudyPiece piece;
    piece.kind = request.kind;
    piece.features_path = names.features_path;
    piece.key = names.features_key;
    piece.finished = storage::read_key(names.features_path) == names.features_key;
    piece.plan = planned(state, work, request, names);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace lamella::study
