// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/study/piece_context_internal.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::study {

std::string PieceContext::file(const std::string& folder, const std::string& slide_id,
                               const std::string& extension) const {
  return output + "/" + folder + "/" + slide_id + extension;
}

PieceContext piece_context(const Study& study, const encoder::EncoderInfo& encoder) {
  PieceContext pieces{.study = study};
  pieces.encoder = encoder;
  pieces.precision = encoder::resolve_precision(study.encoding.precision, encoder);
  pieces.output = study.output;
  return pieces;
}

std::vector<patch::LabelledCentres> read_centre_lists(const Study& study, const Context& context) {
  return verbs::read_lists(study.labels, context).lists;
}

namespace {

void warn_of(const SlideEntry& entry, const std::vector<std::string>& texts,
             const Context& context) {
  for (const std::string& text : texts) {
    context.warn(fmt::format("slide '{}': {}", entry.slide_id, text));
  }
}

}  // namespace

CohortSlide open_cohort_slide(const SlideEntry& entry, const Context& context) {
  CohortSlide slide{entry,
                    slide::open_slide(entry.path, {.mpp = entry.mpp, .image = entry.image})->info(),
                    {},
                    {}};
  warn_of(entry, slide.info.warnings, context);
  return slide;
}

void add_annotations(const Study& study, CohortSlide& slide, const Context& context) {
  const SlideEntry& entry = slide.entry;
  if (!entry.annotations.empty()) {
    slide.annotations = annotation::read_annotations(entry.annotations);
    slide.annotations_sha256 = io::file_sha256(entry.annotations);
    warn_of(entry, slide.annotations->notes, context);
  } else if (study.labels.by_annotations() && entry.role != Role::kScore) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("line {}: slide '{}' has no annotations; the study's [classes] need "
                            "them for every train and test slide",
                            entry.line, entry.slide_id),
                study.slides_table);
  }
}

storage::TissueKey mask_key(const Study& study, const CohortSlide& slide) {
  const SlideEntry& entry = slide.entry;
  storage::TissueKey key{slide.info.fingerprint,
                         slide.info.backend,
                         slide.info.mpp,
                         tissue_of(entry, study.tissue),
                         {},
                         study.damage.on_damage};
  if (entry.mask == "none") key.mask = entry.mask;
  if (entry.mask != "none" && entry.mask != "auto") key.mask = io::file_sha256(entry.mask);
  return key;
}

const std::shared_ptr<const slide::Slide>& Pixels::open() {
  if (opened_) return opened_;
  const SlideEntry& entry = slide_.entry;
  auto slide = slide::open_slide(entry.path, {.mpp = entry.mpp, .image = entry.image});
  if (slide->info().fingerprint != slide_.info.fingerprint) {
    throw Error(ErrorCode::kMismatch,
                "was changed since the run began; run again when it is complete", entry.path);
  }
  opened_ = std::move(slide);
  return opened_;
}

encoder::Encoder& LazyEncoder::get(const PieceContext& pieces, int threads) {
  if (!encoder_) encoder_ = encoder::load_encoder(pieces.encoder, pieces.precision, threads);
  return *encoder_;
}

}  // namespace lamella::study
