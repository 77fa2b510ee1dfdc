// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/imagefile/imagefile.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/study/run_state_internal.h"
#include "lamella/study/scale.h"
#include "lamella/study/score_features.h"
#include "lamella/study/slide_map.h"

namespace lamella::study {

PlanRequest grid_request(const RunState& state, const SlideWork& work) {
  const patch::GridOptions& grid = state.study.score;
  PlanRequest request;
  request.kind = "grid";
  request.spec =
      spec_for_slide(state.study.patches, state.model_mpp, work.slide->info(), state.context);
  request.has_scale = state.model_mpp.has_value();
  request.inputs = to_json(state.study)["score"];
  request.make = [&state, &work, &grid, spec = request.spec](const tissue::TissueMask& mask) {
    return patch::plan_grid(work.slide->info(), work.entry.slide_id, spec, mask, grid);
  };
  return request;
}

namespace {

void draw_map(RunState& state, SlideWork& work, const heatmap::HeatMap& map,
              const std::string& key) {
  const std::string png = state.file("heatmaps", work, ".png");
  const StepTimer timer(state.result.seconds["map"]);
  if (storage::read_key(png) != key) {
    MapOptions options;
    options.overlay = state.study.heatmap;
    options.overlay.title = work.entry.slide_id;
    if (work.annotations) options.overlay.outlines = outlines_of(*work.annotations);
    storage::drop_key(png);
    write_slide_map(*work.slide, map, options, png.substr(0, png.size() - 4), state.context);
    storage::write_key(key, png);
  }
  work.outcome.heatmap = png;
}

void score_one(RunState& state, SlideWork& work) {
  std::string features_key;
  const auto features = planned_features(state, work, grid_request(state, work), features_key);
  const patch::PatchPlan& plan = features->plan();
  feature::ScoreVector scores;
  {
    const StepTimer timer(state.result.seconds["score"]);
    scores = score_features(*features, state.model.classifier);
    storage::write_scores(plan, scores, piece_key({features_key, state.model_sha256}),
                          state.file("scores/grid", work, ".csv"));
  }
  const double slide_score = heatmap::slide_score(scores.values);
  if (std::isfinite(slide_score)) work.outcome.slide_score = slide_score;
  if (plan.rows.empty()) return;
  const nlohmann::json study = to_json(state.study);
  draw_map(
      state, work, heatmap::make_heatmap(plan, scores),
      piece_key({features_key, state.model_sha256, study["heatmap"], work.annotations_sha256}));
}

}  // namespace

void score_slides(RunState& state) {
  for_each_slide(state, [&](SlideWork& work) {
    if (work.entry.role == Role::kTrain) return;
    score_one(state, work);
    work.scored = true;
  });
}

}  // namespace lamella::study
