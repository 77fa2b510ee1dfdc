// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/study/encode_file.h"
#include "lamella/study/pieces_internal.h"

namespace lamella::study {

namespace {

constexpr int kPreviewPx = 1024;

nlohmann::json tissue_inputs(const tissue::TissueOptions& options) {
  return {options.mask_mpp, options.mask_max_px, options.min_area_um2, options.max_hole_um2,
          options.min_saturation};
}

std::string plan_key(const RunState& state, const SlideWork& work, const PlanRequest& request) {
  const slide::SlideInfo& info = work.slide->info();
  nlohmann::json mpp;
  if (info.mpp) mpp = {info.mpp->x, info.mpp->y};
  nlohmann::json spec = {{"size_px", request.spec.size_px}, {"scaled", request.has_scale}};
  if (request.spec.level) spec["level"] = *request.spec.level;
  if (request.spec.mpp) spec["mpp"] = *request.spec.mpp;
  return piece_key({{"kind", request.kind},
                    {"slide", info.fingerprint},
                    {"backend", info.backend},
                    {"slide_id", work.entry.slide_id},
                    {"mpp", mpp},
                    {"spec", spec},
                    {"tissue", tissue_inputs(state.study.tissue)},
                    {"inputs", request.inputs}});
}

// Progress that names the slide as well as the step.
Context with_name(const Context& context, const SlideWork& work) {
  Context named = context;
  if (!context.progress) return named;
  named.progress = [&context, &work](const Progress& progress) {
    const std::string step = fmt::format("{} {}", progress.step, work.entry.slide_id);
    context.progress({step, progress.done, progress.total, progress.unit});
  };
  return named;
}

patch::PatchPlan make_plan(RunState& state, SlideWork& work, const PlanRequest& request,
                           const std::string& key, const std::string& path) {
  const StepTimer timer(state.result.seconds["plan"]);
  const tissue::TissueMask mask =
      tissue::make_tissue_mask(*work.slide, state.study.tissue, with_name(state.context, work));
  imagefile::write_png(tissue::draw_tissue_preview(*work.slide, mask, kPreviewPx).view(),
                       state.file("tissue", work, ".png"));
  patch::PatchPlan plan = request.make(mask);
  if (!request.has_scale) plan.geometry.effective_mpp.reset();
  storage::write_plan(plan, key, path);
  return plan;
}

void make_features(RunState& state, SlideWork& work, const patch::PatchPlan& plan,
                   const PieceNames& names) {
  encoder::Encoder& encoder = state.loaded_encoder();
  const StepTimer timer(state.result.seconds["encode"]);
  const EncodeFileOptions options{state.study.features_type, names.features_key,
                                  names.features_key};
  work.outcome.patches_resumed +=
      encode_to_file(work.slide, plan, encoder, options, names.features_path, state.context)
          .resumed;
}

}  // namespace

PieceNames piece_names(const RunState& state, const SlideWork& work, const PlanRequest& request) {
  PieceNames names;
  names.plan_path = state.file("plans/" + request.kind, work, ".h5");
  names.features_path = state.file("features/" + request.kind, work, ".h5");
  names.plan_key = plan_key(state, work, request);
  names.features_key = piece_key({{"plan", names.plan_key},
                                  {"encoder", encoder::network_space(state.encoder_info)},
                                  {"precision", std::string(encoder::to_string(state.precision))},
                                  {"engine", encoder::inference_engine_version()},
                                  {"stored as", to_string(state.study.features_type)}});
  return names;
}

patch::PatchPlan planned(RunState& state, SlideWork& work, const PlanRequest& request,
                         const PieceNames& names) {
  if (storage::read_key(names.plan_path) == names.plan_key) {
    return storage::read_plan(names.plan_path);
  }
  return make_plan(state, work, request, names.plan_key, names.plan_path);
}

std::unique_ptr<storage::FeatureReader> planned_features(RunState& state, SlideWork& work,
                                                         const PlanRequest& request,
                                                         std::string& key) {
  const PieceNames names = piece_names(state, work, request);
  key = names.features_key;
  const bool finished = storage::read_key(names.features_path) == key;
  if (finished) {
    storage::drop_spool(names.features_path);
  } else {
    make_features(state, work, planned(state, work, request, names), names);
  }
  // Read back in any case: as they are stored, they are the same for this run and for the next.
  auto reader = std::make_unique<storage::FeatureReader>(names.features_path);
  const auto rows = static_cast<int64_t>(reader->plan().rows.size());
  if (finished) {
    work.outcome.patches_reused += rows;
    state.context.report(fmt::format("encode {} (found finished)", work.entry.slide_id), rows, rows,
                         "patches");
  }
  for (const std::string& warning : reader->plan().warnings) state.context.warn(warning);
  work.outcome.patches += rows;
  return reader;
}

}  // namespace lamella::study
