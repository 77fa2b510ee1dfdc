// SPDX-License-Identifier: Apache-2.0
#include "lamella/cohort/pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/progress.h"
#include "lamella/base/stopwatch.h"
#include "lamella/base/text.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/slide/damage_as_white.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/storage/tissue_look.h"
#include "lamella/verbs/score_features.h"
#include "lamella/verbs/slide_map.h"

namespace lamella::cohort {

namespace {

constexpr int kPreviewPx = 1024;
constexpr const char* kUnfinished = "it was damaged or not finished";

// What reading a piece that bears its own key may not come to.
bool is_damage(ErrorCode code) {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kFormat ||
         code == ErrorCode::kMismatch || code == ErrorCode::kUnsupported;
}

std::unique_ptr<storage::FeatureReader> read_checked(const std::string& path) {
  auto reader = std::make_unique<storage::FeatureReader>(path);
  storage::require_readable(*reader);
  return reader;
}

}  // namespace

SlidePieces::SlidePieces(const PieceContext& pieces, const CohortSlide& slide, LazyEncoder& encoder,
                         const Context& context)
    : pieces_(pieces), slide_(slide), encoder_(encoder), context_(context), pixels_(slide) {}

std::string SlidePieces::file(const std::string& folder, const std::string& extension) const {
  return pieces_.file(folder, slide_.entry.slide_id, extension);
}

void SlidePieces::note_remade(const std::string& piece, std::vector<std::string> why) {
  context_.note(
      fmt::format("slide '{}': {} made again: {}", slide_.entry.slide_id, piece, join(why, ", ")));
  report_.remade.push_back({piece, std::move(why)});
}

bool SlidePieces::found(const std::string& piece, const std::string& path, const std::string& key) {
  if (!io::exists(path)) return false;
  const auto there = storage::read_key(path);
  if (there == key) return true;
  note_remade(piece, there ? storage::changes(*there, key) : std::vector<std::string>{kUnfinished});
  return false;
}

// What `read` makes of a finished piece; nothing if it is damaged, which is said.
template <typename Read>
auto SlidePieces::read_found(const std::string& piece, const std::string& path,
                             const std::string& key, const Read& read)
    -> std::optional<decltype(read())> {
  if (!found(piece, path, key)) return {};
  try {
    return read();
  } catch (const Error& error) {
    if (!is_damage(error.code())) throw;
    context_.warn(fmt::format("{}; it is made again", error.what()));
    note_remade(piece, {"it is damaged"});
    return {};
  }
}

const tissue::TissueMask& SlidePieces::tissue() {
  if (mask_) return *mask_;
  const std::string& given = slide_.entry.mask;
  if (given == "auto") {
    const std::string path = file("tissue/masks", ".png");
    const std::string key = storage::key_text(mask_key(pieces_.plans, slide_));
    mask_ = read_found("tissue", path, key,
                       [&] { return tissue::read_tissue_mask(path, slide_.info); });
    if (!mask_) mask_ = make_tissue(path, key);
  } else {
    std::vector<std::string> notes;
    mask_ = given == "none" ? tissue::all_tissue(slide_.info)
                            : tissue::read_tissue_mask(given, slide_.info, &notes);
    for (const std::string& note : notes) {
      context_.warn(fmt::format("slide '{}': {}", slide_.entry.slide_id, note));
    }
    draw_tissue(*mask_);
  }
  return *mask_;
}

tissue::TissueMask SlidePieces::make_tissue(const std::string& path, const std::string& key) {
  const Context named = with_step_names(context_, [this](std::string_view step) {
    return fmt::format("{} {}", step, slide_.entry.slide_id);
  });
  tissue::TissueMask mask = overview([&](const slide::Slide& slide) {
    return tissue::make_tissue_mask(slide, tissue_of(slide_.entry, pieces_.plans.tissue), named);
  });
  draw_tissue(mask);
  storage::drop_key(path);
  tissue::write_tissue_mask(mask, path);
  if (mask.look) {
    report_.tissue = {slide_.entry.slide_id, mask.tissue_fraction, *mask.look};
    storage::write_look(*report_.tissue, file("tissue/masks", ".json"));
  }
  storage::write_key(key, path);
  return mask;
}

template <typename Use>
auto SlidePieces::overview(const Use& use) -> decltype(use(std::declval<const slide::Slide&>())) {
  const slide::Slide& slide = *pixels_.open();
  if (!pieces_.plans.damage.skips()) return use(slide);
  const slide::DamageAsWhite readable(slide);
  auto made = use(readable);
  for (const std::string& warning : readable.warnings()) {
    context_.warn(fmt::format("slide '{}': {}", slide_.entry.slide_id, warning));
  }
  return made;
}

// The look of a finished mask that this run has not asked for.
void SlidePieces::find_look() {
  if (report_.tissue || slide_.entry.mask != "auto") return;
  const std::string key = storage::key_text(mask_key(pieces_.plans, slide_));
  if (storage::read_key(file("tissue/masks", ".png")) != key) return;
  report_.tissue = storage::read_look(file("tissue/masks", ".json"));
}

void SlidePieces::draw_tissue(const tissue::TissueMask& mask) {
  const Image preview = overview([&](const slide::Slide& slide) {
    return tissue::draw_tissue_preview(slide, mask, kPreviewPx);
  });
  pixels_.open()->require_unchanged();
  imagefile::write_png(preview.view(), file("tissue", ".png"));
}

PlanPiece SlidePieces::plan(const PlanRequest& request) {
  const std::string piece = "plans/" + request.key.kind;
  const std::string path = file(piece, ".h5");
  PlanPiece made{{}, storage::key_text(request.key)};
  auto found = read_found(piece, path, made.key, [&] { return storage::read_plan(path); });
  if (found) {
    made.plan = *std::move(found);
    return made;
  }
  const AddSeconds timer(report_.seconds["plan"]);
  made.plan = request.make(tissue());
  if (!request.key.scaled) made.plan.geometry.effective_mpp.reset();
  storage::write_plan(made.plan, made.key, path);
  return made;
}

std::string SlidePieces::features_path(const PlanRequest& request) const {
  return file("features/" + request.key.kind, ".h5");
}

verbs::EncodeFileOptions SlidePieces::encode_options(std::string key) const {
  return {pieces_.encoding.features_dtype,
          std::move(key),
          {pieces_.plans.damage.on_damage, pieces_.encoding.int8_check}};
}

std::string SlidePieces::features_key(const PlanRequest& request) const {
  return storage::key_text(verbs::features_key(storage::key_text(request.key), pieces_.encoder,
                                               pieces_.precision, encode_options({})));
}

// By the slide's name; what was said when it was opened is left out.
void SlidePieces::warn_of_plan(const patch::PatchPlan& plan) const {
  for (const std::string& warning : plan.warnings) {
    const bool said = slide_.annotations && std::ranges::count(slide_.annotations->notes, warning);
    if (!said) context_.warn(fmt::format("slide '{}': {}", slide_.entry.slide_id, warning));
  }
}

FeaturesPiece SlidePieces::features(const PlanRequest& request) {
  const std::string path = features_path(request);
  FeaturesPiece made{nullptr, features_key(request)};
  auto found = read_found("features/" + request.key.kind, path, made.key,
                          [&] { return read_checked(path); });
  const bool finished = found.has_value();
  if (finished) {
    made.features = *std::move(found);
    storage::drop_spool(path);
  } else {
    const patch::PatchPlan plan = this->plan(request).plan;
    encoder::Encoder& encoder = encoder_.get(pieces_, context_.threads);
    const AddSeconds timer(report_.seconds["encode"]);
    report_.patches_resumed +=
        verbs::encode_file(pixels_.open(), plan, encoder, encode_options(made.key), path, context_)
            .resumed;
    warn_of_plan(plan);  // what was left out has been said
    // Read back: as they are stored, they are the same for this run and for the next.
    made.features = std::make_unique<storage::FeatureReader>(path);
  }
  find_look();
  const auto rows = static_cast<int64_t>(made.features->plan().rows.size());
  report_.patches += rows;
  report_.patches_left_out += static_cast<int64_t>(made.features->plan().left_out.size());
  if (finished) {
    report_.patches_reused += rows;
    context_.report(fmt::format("encode {} (found finished)", slide_.entry.slide_id), rows, rows,
                    "patches");
    warn_of_plan(made.features->plan());
  }
  return made;
}

ScoredGrid SlidePieces::scored(const FeaturesPiece& made, const FittedModel& model) {
  const patch::PatchPlan& plan = made.features->plan();
  const storage::ScoresKey key{made.key, model.sha256};
  feature::ScoreMatrix scores;
  {
    const AddSeconds timer(report_.seconds["score"]);
    scores = verbs::score_features(*made.features, model.model.classifier);
    storage::write_scores(plan, scores, storage::key_text(key), file("scores/grid", ".csv"));
  }
  ScoredGrid result;
  const std::string& shown = pieces_.heatmap.overlay.shown_class;
  const double slide_score = heatmap::slide_score(scores, shown);
  if (std::isfinite(slide_score)) result.slide_score = slide_score;
  if (plan.rows.empty()) return result;
  const AddSeconds timer(report_.seconds["map"]);
  const std::string map_key = storage::key_text(storage::HeatmapKey{
      key, pieces_.heatmap.overlay, pieces_.heatmap.thumbnail_px, slide_.annotations_sha256});
  result.heatmap = file("heatmaps", ".png");
  if (!found("heatmaps", *result.heatmap, map_key) || !io::exists(file("heatmaps", ".tiff"))) {
    draw(heatmap::make_heatmap(plan, scores, shown), *result.heatmap, map_key);
  }
  return result;
}

void SlidePieces::draw(heatmap::HeatMap map, const std::string& png, const std::string& key) {
  verbs::MapOptions options = pieces_.heatmap;
  options.overlay.title = slide_.entry.slide_id;
  if (slide_.annotations) options.overlay.outlines = verbs::outlines_of(*slide_.annotations);
  storage::drop_key(png);
  const auto drawn = overview([&](const slide::Slide& slide) {
    return verbs::draw_slide_map(slide, std::move(map), options, context_);
  });
  verbs::write_slide_map(drawn, png.substr(0, png.size() - 4));
  pixels_.open()->require_unchanged();
  storage::write_key(key, png);
}

}  // namespace lamella::cohort
