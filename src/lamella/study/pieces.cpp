// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/verbs/encode.h"

namespace lamella::study {

namespace {

constexpr int kPreviewPx = 1024;

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
  const AddSeconds timer(state.result.seconds["plan"]);
  const slide::Slide& slide = *pixels_of(work);
  const tissue::TissueMask mask =
      tissue::make_tissue_mask(slide, state.study.tissue, with_name(state.context, work));
  const Image preview = tissue::draw_tissue_preview(slide, mask, kPreviewPx);
  slide.require_unchanged();
  imagefile::write_png(preview.view(), state.file("tissue", work, ".png"));
  patch::PatchPlan plan = request.make(mask);
  if (!request.has_scale) plan.geometry.effective_mpp.reset();
  storage::write_plan(plan, key, path);
  return plan;
}

void make_features(RunState& state, SlideWork& work, const patch::PatchPlan& plan,
                   const PieceNames& names) {
  encoder::Encoder& encoder = state.loaded_encoder();
  const AddSeconds timer(state.result.seconds["encode"]);
  const verbs::EncodeFileOptions options{state.study.features_type, names.features_key};
  work.outcome.patches_resumed += verbs::encode_file(pixels_of(work), plan, encoder, options,
                                                     names.features_path, state.context)
                                      .resumed;
}

}  // namespace

PieceNames piece_names(const RunState& state, const SlideWork& work, const PlanRequest& request) {
  PieceNames names;
  names.plan_path = state.file("plans/" + request.kind, work, ".h5");
  names.features_path = state.file("features/" + request.kind, work, ".h5");
  storage::PlanKey key = request.key;
  key.kind = request.kind;
  key.slide_id = work.entry.slide_id;
  key.tissue = storage::tissue_key(*work.info, state.study.tissue);
  key.spec = request.spec;
  key.scaled = request.has_scale;
  names.plan_key = storage::key_text(key);
  names.features_key = storage::key_text(verbs::features_key(
      names.plan_key, state.encoder_info, state.precision, state.study.features_type));
  return names;
}

namespace {

// What `read` makes of a finished piece; nothing if it is damaged, which is said.
template <typename Read>
auto read_finished(RunState& state, SlideWork& work, const std::string& piece, const Read& read)
    -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    state.context.warn(fmt::format("{}; it is made again", error.what()));
    note_remade(state, work, piece, {"it is damaged"});
    return {};
  }
}

// By the slide's name; what open_work has said already is left out.
void warn_of_plan(const RunState& state, const SlideWork& work, const patch::PatchPlan& plan) {
  const std::vector<std::string> said =
      work.annotations ? work.annotations->notes : std::vector<std::string>();
  for (const std::string& warning : plan.warnings) {
    if (std::find(said.begin(), said.end(), warning) != said.end()) continue;
    state.context.warn(fmt::format("slide '{}': {}", work.entry.slide_id, warning));
  }
}

std::unique_ptr<storage::FeatureReader> read_checked(const std::string& path) {
  auto reader = std::make_unique<storage::FeatureReader>(path);
  storage::require_readable(*reader);
  return reader;
}

}  // namespace

patch::PatchPlan planned(RunState& state, SlideWork& work, const PlanRequest& request,
                         const PieceNames& names) {
  const std::string piece = "plans/" + request.kind;
  if (find_finished(state, work, piece, names.plan_path, names.plan_key)) {
    auto plan =
        read_finished(state, work, piece, [&] { return storage::read_plan(names.plan_path); });
    if (plan) return *std::move(plan);
  }
  return make_plan(state, work, request, names.plan_key, names.plan_path);
}

std::unique_ptr<storage::FeatureReader> planned_features(RunState& state, SlideWork& work,
                                                         const PlanRequest& request,
                                                         std::string& key) {
  const PieceNames names = piece_names(state, work, request);
  key = names.features_key;
  std::unique_ptr<storage::FeatureReader> reader;
  const std::string piece = "features/" + request.kind;
  if (find_finished(state, work, piece, names.features_path, key)) {
    auto found =
        read_finished(state, work, piece, [&] { return read_checked(names.features_path); });
    if (found) reader = *std::move(found);
  }
  const bool finished = reader != nullptr;
  if (finished) {
    storage::drop_spool(names.features_path);
  } else {
    make_features(state, work, planned(state, work, request, names), names);
    // Read back: as they are stored, they are the same for this run and for the next.
    reader = std::make_unique<storage::FeatureReader>(names.features_path);
  }
  const auto rows = static_cast<int64_t>(reader->plan().rows.size());
  if (finished) {
    work.outcome.patches_reused += rows;
    state.context.report(fmt::format("encode {} (found finished)", work.entry.slide_id), rows, rows,
                         "patches");
  }
  warn_of_plan(state, work, reader->plan());
  work.outcome.patches += rows;
  return reader;
}

}  // namespace lamella::study
