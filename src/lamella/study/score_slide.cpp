// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/score_slide.h"

#include "lamella/study/scale.h"

namespace lamella::study {

patch::PatchPlan plan_for_model(const slide::Slide& slide, const std::string& slide_id,
                                const storage::Model& model, const patch::GridOptions& grid,
                                const tissue::TissueMask& mask, const Context& context) {
  const slide::SlideInfo& info = slide.info();
  const patch::PatchSpec spec = spec_for_slide(model.spec, model.effective_mpp, info, context);
  patch::PatchPlan plan = patch::plan_grid(info, slide_id, spec, mask, grid);
  if (!model.effective_mpp) plan.geometry.effective_mpp.reset();
  for (const std::string& warning : plan.warnings) context.warn(warning);
  return plan;
}

SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const storage::Model& model, const patch::GridOptions& grid,
                        const tissue::TissueMask& mask, encoder::Encoder& encoder,
                        const Context& context) {
  SlideScores result;
  result.plan = plan_for_model(*slide, slide_id, model, grid, mask, context);
  const encoder::EncodeResult encoded =
      encoder::encode_patches(std::move(slide), result.plan, encoder, context);
  result.encode_seconds = encoded.seconds;
  result.scores = classifier::score_patches(encoded.features, model.classifier);
  return result;
}

SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const storage::Model& model, const patch::GridOptions& grid,
                        const tissue::TissueMask& mask, const Context& context) {
  const auto encoder = encoder::load_encoder(model.encoder, model.precision, context.threads);
  SlideScores result =
      score_slide(std::move(slide), slide_id, model, grid, mask, *encoder, context);
  result.compile_seconds = encoder->compile_seconds();
  return result;
}

}  // namespace lamella::study
