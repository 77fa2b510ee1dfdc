// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/storage/changes.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/study/run_state_internal.h"
#include "lamella/verbs/scale.h"
#include "lamella/verbs/score_features.h"
#include "lamella/verbs/slide_map.h"

namespace lamella::study {

PlanRequest grid_request(const RunState& state, const SlideWork& work) {
  const patch::GridOptions& grid = state.study.score;
  PlanRequest request;
  request.kind = "grid";
  request.spec =
      verbs::spec_for_slide(state.study.patches, state.model_mpp, *work.info, state.context);
  request.has_scale = state.model_mpp.has_value();
  request.inputs = {{"score", to_json(state.study)["score"]}};
  request.make = [&state, &work, &grid, spec = request.spec](const tissue::TissueMask& mask) {
    return patch::plan_grid(*work.info, work.entry.slide_id, spec, mask, grid);
  };
  return request;
}

namespace {

void draw_map(RunState& state, SlideWork& work, const heatmap::HeatMap& map,
              const std::string& key) {
  const std::string png = state.file("heatmaps", work, ".png");
  const StepTimer timer(state.result.seconds["map"]);
  const bool whole = find_finished(state, work, "heatmaps", png, key) &&
                     io::exists(state.file("heatmaps", work, ".tiff"));
  if (!whole) {
    verbs::MapOptions options;
    options.overlay = state.study.heatmap;
    options.overlay.title = work.entry.slide_id;
    if (work.annotations) options.overlay.outlines = verbs::outlines_of(*work.annotations);
    storage::drop_key(png);
    const slide::Slide& slide = *pixels_of(work);
    verbs::write_slide_map(slide, map, options, png.substr(0, png.size() - 4), state.context);
    slide.require_unchanged();
    storage::write_key(key, png);
  }
  work.outcome.heatmap = png;
}

void score_one(RunState& state, SlideWork& work) {
  std::string features_key;
  const auto features = planned_features(state, work, grid_request(state, work), features_key);
  const patch::PatchPlan& plan = features->plan();
  const nlohmann::json made_of = nlohmann::json::parse(features_key);
  const std::string& model = state.model_sha256;
  feature::ScoreMatrix scores;
  {
    const StepTimer timer(state.result.seconds["score"]);
    scores = verbs::score_features(*features, state.model.classifier);
    storage::write_scores(plan, scores,
                          storage::piece_key({{"features", made_of}, {"model", model}}),
                          state.file("scores/grid", work, ".csv"));
  }
  const double slide_score = heatmap::slide_score(scores);
  if (std::isfinite(slide_score)) work.outcome.slide_score = slide_score;
  if (plan.rows.empty()) return;
  draw_map(state, work, heatmap::make_heatmap(plan, scores),
           storage::piece_key({{"features", made_of},
                               {"model", model},
                               {"heatmap", to_json(state.study)["heatmap"]},
                               {"annotations", work.annotations_sha256}}));
}

}  // namespace

void score_slides(RunState& state) {
  for_each_slide_but(state, Role::kTrain, [&](SlideWork& work) {
    score_one(state, work);
    work.scored = true;
  });
}

}  // namespace lamella::study
