// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/score_slide.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/feature/foreign.h"
#include "lamella/patch/left_out.h"
#include "lamella/verbs/compare_int8.h"
#include "lamella/verbs/scale.h"
#include "lamella/verbs/score_features.h"

namespace lamella::verbs {

namespace {

patch::PatchPlan as_models(patch::PatchPlan plan, const model::Model& model,
                           const Context& context) {
  if (!model.effective_mpp) plan.geometry.effective_mpp.reset();
  for (const std::string& warning : plan.warnings) context.warn(warning);
  return plan;
}

void require_models_encoder(const model::Model& model, const encoder::EncoderInfo& found) {
  const std::string needed = encoder::network_space(model.encoder);
  if (encoder::network_space(found) == needed) return;
  throw Error(ErrorCode::kMismatch, fmt::format("the model needs the encoder '{}', found '{}'",
                                                needed, encoder::network_space(found)));
}

// Rows that have no scores are no rows.
void leave_out(const std::vector<slide::RegionFailure>& failures, SlideScores& scored,
               const Context& context) {
  if (failures.empty()) return;
  context.warn(fmt::format("slide '{}': {}", scored.plan.slide_id,
                           patch::left_out_text(scored.plan, failures)));
  feature::ScoreMatrix kept;
  kept.classes = scored.scores.classes;
  auto failure = failures.begin();  // by row
  for (int64_t row = 0; row < scored.scores.rows(); ++row) {
    if (failure != failures.end() && static_cast<int64_t>(failure->region) == row) {
      ++failure;
      continue;
    }
    const auto values = std::as_const(scored.scores).row(row);
    kept.values.insert(kept.values.end(), values.begin(), values.end());
  }
  scored.plan = patch::without_left_out(std::move(scored.plan), failures);
  patch::require_rows_left(scored.plan);
  scored.scores = std::move(kept);
}

SlideScores score_plan(std::shared_ptr<const slide::Slide> slide, patch::PatchPlan plan,
                       const model::Model& model, encoder::Encoder& encoder,
                       slide::OnDamage on_damage, const Context& context) {
  require_models_encoder(model, encoder.info());
  SlideScores result;
  result.plan = std::move(plan);
  result.scores.classes = model.classifier.classes;
  const auto classes = static_cast<size_t>(result.scores.classes.count());
  result.scores.values.resize(result.plan.rows.size() * classes);
  feature::FeatureMatrix part;
  part.columns = encoder.info().dimension;
  part.feature_space = encoder::feature_space(encoder.info(), result.plan);
  const auto score = [&] {
    part.rows = static_cast<int64_t>(part.values.size()) / part.columns;
    return classifier::score_patches(part, model.classifier);
  };
  score();  // a model of another feature space is refused before the work
  const auto take = [&](std::span<const uint32_t> rows, std::span<const float> values) {
    part.values.assign(values.begin(), values.end());
    const feature::ScoreMatrix scores = score();
    for (size_t i = 0; i < rows.size(); ++i) {
      std::ranges::copy(scores.row(static_cast<int64_t>(i)),
                        result.scores.values.begin() + static_cast<ptrdiff_t>(rows[i] * classes));
    }
  };
  const encoder::StreamResult streamed = encoder::stream_features(
      std::move(slide), result.plan, encoder, {.on_damage = on_damage}, take, context);
  result.encode_seconds = streamed.seconds;
  leave_out(streamed.failures, result, context);
  return result;
}

}  // namespace

SlideScores score_feature_file(const std::string& path, const model::Model& model) {
  const storage::FeatureReader features(path);
  return {features.plan(), score_features(features, model.classifier), 0, 0};
}

patch::PatchPlan plan_for_model(const slide::Slide& slide, const std::string& slide_id,
                                const model::Model& model, const patch::GridOptions& grid,
                                const tissue::TissueMask& mask, const Context& context) {
  const slide::SlideInfo& info = slide.info();
  const patch::PatchSpec spec = spec_for_slide(model.spec, model.effective_mpp, info, context);
  return as_models(patch::plan_grid(info, slide_id, spec, mask, grid), model, context);
}

SlideScores score_positions(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                            const model::Model& model,
                            const std::vector<patch::Position>& positions,
                            encoder::Encoder& encoder, const Context& context) {
  const slide::SlideInfo& info = slide->info();
  const patch::PatchSpec spec = spec_for_slide(model.spec, model.effective_mpp, info, context);
  patch::PatchPlan plan =
      patch::plan_from_positions(info, slide_id, spec, tissue::all_tissue(info), positions);
  return score_plan(std::move(slide), as_models(std::move(plan), model, context), model, encoder,
                    slide::OnDamage::kFail, context);
}

SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const model::Model& model, const ScoreSlideOptions& options,
                        const tissue::TissueMask& mask, encoder::Encoder& encoder,
                        const Context& context) {
  patch::PatchPlan plan = plan_for_model(*slide, slide_id, model, options.grid, mask, context);
  SlideScores result =
      score_plan(slide, std::move(plan), model, encoder, options.damage.on_damage, context);
  const std::string warning = compare_int8(slide, result.plan, encoder, kComparedPatches, context);
  if (!warning.empty()) context.warn(fmt::format("slide '{}': {}", slide_id, warning));
  return result;
}

SlideScores score_slide(std::shared_ptr<const slide::Slide> slide, const std::string& slide_id,
                        const model::Model& model, const ScoreSlideOptions& options,
                        const tissue::TissueMask& mask, const Context& context) {
  if (feature::is_foreign(model.classifier.feature_space)) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("the model was trained on features of another program ({}), whose "
                            "network lamella does not have: score feature files made by it "
                            "(`features`)",
                            model.encoder.name));
  }
  const auto encoder = encoder::load_encoder(model.encoder, model.precision, context.threads);
  SlideScores result =
      score_slide(std::move(slide), slide_id, model, options, mask, *encoder, context);
  result.compile_seconds = encoder->compile_seconds();
  return result;
}

}  // namespace lamella::verbs
