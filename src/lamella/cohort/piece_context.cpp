// SPDX-License-Identifier: Apache-2.0
#include "lamella/cohort/piece_context.h"

#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/byte_source.h"
#include "lamella/patch/outline_check.h"

namespace lamella::cohort {

std::string PieceContext::file(const std::string& folder, const std::string& slide_id,
                               const std::string& extension) const {
  const bool elsewhere = !tissue_output.empty() && folder.starts_with("tissue");
  return (elsewhere ? tissue_output : output) + "/" + folder + "/" + slide_id + extension;
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
  CohortSlide slide{entry, slide::open_slide(entry.path, open_options(entry))->info(), {}, {}};
  warn_of(entry, slide.info.warnings, context);
  return slide;
}

void add_annotations(const PlanRules& plans, const std::string& table, CohortSlide& slide,
                     const Context& context) {
  const SlideEntry& entry = slide.entry;
  if (!entry.annotations.empty()) {
    const annotation::SlideFrame frame = patch::frame_of(slide.info);
    slide.annotations = annotation::read_annotations(entry.annotations, &frame);
    slide.annotations_sha256 = io::file_sha256(entry.annotations);
    warn_of(entry, slide.annotations->notes, context);
  } else if (plans.labels.by_annotations() && entry.role != Role::kScore) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("line {}: slide '{}' has no annotations; the study's [classes] need "
                            "them for every train and test slide",
                            entry.line, entry.slide_id),
                table);
  }
}

storage::TissueKey mask_key(const PlanRules& plans, const CohortSlide& slide) {
  const SlideEntry& entry = slide.entry;
  storage::TissueKey key{slide.info.fingerprint,
                         slide.info.backend,
                         slide.info.mpp,
                         tissue_of(entry, plans.tissue),
                         {},
                         plans.damage.on_damage};
  if (entry.mask == "none") key.mask = entry.mask;
  if (entry.mask != "none" && entry.mask != "auto") key.mask = io::file_sha256(entry.mask);
  return key;
}

const std::shared_ptr<const slide::Slide>& Pixels::open() {
  if (opened_) return opened_;
  const SlideEntry& entry = slide_.entry;
  auto slide = slide::open_slide(entry.path, open_options(entry));
  if (slide->info().fingerprint != slide_.info.fingerprint) {
    throw Error(ErrorCode::kMismatch,
                "was changed since the run began; run again when it is complete", entry.path);
  }
  opened_ = std::move(slide);
  return opened_;
}

encoder::Encoder& LazyEncoder::get(const PieceContext& pieces, int threads) {
  if (failure_) throw *failure_;
  if (encoder_) return *encoder_;
  try {
    encoder_ = encoder::load_encoder(pieces.encoder, pieces.precision, threads);
  } catch (const Error& error) {
    failure_ = error;
    throw;
  }
  return *encoder_;
}

}  // namespace lamella::cohort
