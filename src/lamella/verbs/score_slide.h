// SPDX-License-Identifier: Apache-2.0
// The verbs plan, encode and score on one slide by a trained model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/model/model.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::verbs {

struct SlideScores {
  patch::PatchPlan plan;
  feature::ScoreMatrix scores;
  double encode_seconds = 0;
  double compile_seconds = 0;
};

// Of a feature file, which is read a few rows at a time. Error kMismatch: features that are not the
// model's.
SlideScores score_feature_file(const std::string& path, const model::Model& model);

// The grid that a model scores: over the tissue, at the model's scale.
patch::PatchPlan plan_for_model(const slide::Slide& slide, const std::string& slide_id,
                                const model::Model& model, const patch::GridOptions& grid,
                                const tissue::TissueMask& mask, const Context& context);

// The patches at these positions (level-0 px), in their order, at the model's scale. Errors as
// below; kInvalidArgument: a position that is not on the slide. kMismatch: another encoder than the
// model's.
SlideScores score_positions(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                            const model::Model& model,
                            const std::vector<patch::Position>& positions,
                            encoder::Encoder& encoder, const Context& context);

// The options' grid over the tissue, at the model's scale. Patches left out by `on_damage` are
// neither in the plan's rows nor in the scores; a warning names them. Errors: those of the verbs;
// kInvalidArgument if the model has a scale and the slide has none.
// The second loads the model's encoder, with context.threads streams.
SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const model::Model& model, const ScoreSlideOptions& options,
                        const tissue::TissueMask& mask, encoder::Encoder& encoder,
                        const Context& context);
SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const model::Model& model, const ScoreSlideOptions& options,
                        const tissue::TissueMask& mask, const Context& context);

}  // namespace lamella::verbs
