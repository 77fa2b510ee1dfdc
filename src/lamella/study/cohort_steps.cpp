// SPDX-License-Identifier: Apache-2.0
// The steps of a run that go from slide to slide.
#include <fmt/format.h>

#include "lamella/study/run_state_internal.h"
#include "lamella/study/unlike_slides_internal.h"

namespace lamella::study {

void encode_labelled(RunState& state) {
  for_each_slide_but(
      state, cohort::Role::kScore, [&](SlideWork& work, cohort::SlidePieces& pieces) {
        cohort::FeaturesPiece made =
            pieces.features(cohort::labelled_request(state.pieces, *work.slide, state.context));
        work.labelled = LabelledSlide{storage::read_all(*made.features), std::move(made.key)};
        if (work.labelled->file.plan.rows.empty()) {
          state.context.warn(fmt::format("slide '{}' ({}) has no labelled patches",
                                         work.entry.slide_id, to_string(work.entry.role)));
        }
      });
}

void score_slides(RunState& state) {
  for_each_slide_but(
      state, cohort::Role::kTrain, [&](SlideWork& work, cohort::SlidePieces& pieces) {
        const cohort::FeaturesPiece features =
            pieces.features(cohort::grid_request(state.pieces, *work.slide, state.context));
        const cohort::ScoredGrid made = pieces.scored(features, state.fitted);
        work.outcome.slide_score = made.slide_score;
        work.outcome.heatmap = made.heatmap;
        work.scored = true;
        if (work.entry.role == cohort::Role::kScore) {
          compare_with_usual(state, work, *features.features);
        }
      });
}

}  // namespace lamella::study
