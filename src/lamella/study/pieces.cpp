// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/byte_source.h"
#include "lamella/storage/changes.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/study/pieces_internal.h"
#include "lamella/verbs/encode_file.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::study {

namespace {

constexpr int kPreviewPx = 1024;

// The options of the slide's own mask, and the mask where the slides table gives one.
nlohmann::json tissue_key(const Study& study, const SlideEntry& entry) {
  nlohmann::json key = to_json(study)["tissue"];
  for (const auto& [name, value] : entry.tissue) key[name] = value;
  if (entry.mask == "none") key["mask"] = entry.mask;
  if (entry.mask != "none" && entry.mask != "auto") key["mask"] = io::file_sha256(entry.mask);
  return key;
}

std::string plan_key(const RunState& state, const SlideWork& work, const PlanRequest& request) {
  const slide::SlideInfo& info = *work.info;
  nlohmann::json mpp;
  if (info.mpp) mpp = {info.mpp->x, info.mpp->y};
  nlohmann::json spec = {{"size_px", request.spec.size_px}, {"scaled", request.has_scale}};
  if (request.spec.level) spec["level"] = *request.spec.level;
  if (request.spec.mpp) spec["mpp"] = *request.spec.mpp;
  return storage::piece_key({{"kind", request.kind},
                             {"slide", info.fingerprint},
                             {"backend", info.backend},
                             {"slide_id", work.entry.slide_id},
                             {"mpp", mpp},
                             {"spec", spec},
                             {"tissue", tissue_key(state.study, work.entry)},
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

tissue::TissueMask mask_of(const Study& study, const SlideEntry& entry, const slide::Slide& slide,
                           const Context& context) {
  if (entry.mask != "auto") return verbs::tissue_mask(entry.mask, slide, context);
  return tissue::make_tissue_mask(slide, tissue_of(entry, study.tissue), context);
}

patch::PatchPlan make_plan(RunState& state, SlideWork& work, const PlanRequest& request,
                           const std::string& key, const std::string& path) {
  const StepTimer timer(state.result.seconds["plan"]);
  const slide::Slide& slide = *pixels_of(work);
  const tissue::TissueMask mask =
      mask_of(state.study, work.entry, slide, with_name(state.context, work));
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
  const StepTimer timer(state.result.seconds["encode"]);
  const verbs::EncodeFileOptions options{state.study.features_type, names.features_key,
                                         names.features_key};
  work.outcome.patches_resumed += verbs::encode_to_file(pixels_of(work), plan, encoder, options,
                                                        names.features_path, state.context)
                                      .resumed;
}

}  // namespace

PieceNames piece_names(const RunState& state, const SlideWork& work, const PlanRequest& request) {
  PieceNames names;
  names.plan_path = state.file("plans/" + request.kind, work, ".h5");
  names.features_path = state.file("features/" + request.kind, work, ".h5");
  names.plan_key = plan_key(state, work, request);
  names.features_key =
      storage::piece_key({{"plan", nlohmann::json::parse(names.plan_key)},
                          {"encoder", encoder::network_space(state.encoder_info)},
                          {"precision", std::string(encoder::to_string(state.precision))},
                          {"engine", encoder::inference_engine_version()},
                          {"stored as", to_string(state.study.features_type)}});
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
