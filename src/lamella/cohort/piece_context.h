// SPDX-License-Identifier: Apache-2.0
// What making the pieces of a slide works with: values, so that each can be made on its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/base/context.h"
#include "lamella/base/error.h"
#include "lamella/cohort/plan_rules.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/encoder/encoder.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/slide.h"
#include "lamella/storage/piece_key.h"
#include "lamella/verbs/slide_map.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::cohort {

// What all slides of a cohort share. The rules and options must outlive it.
struct PieceContext {
  const PlanRules& plans;
  const verbs::EncodingOptions& encoding;
  const verbs::MapOptions& heatmap;
  encoder::EncoderInfo encoder;
  encoder::Precision precision = encoder::Precision::kF32;  // as resolved
  std::string output{};                                     // folder
  std::string tissue_output{};                              // of the masks, "": the same
  std::optional<double> mpp{};                              // the model's scale
  std::vector<patch::LabelledCentres> centres{};            // the lists, read

  std::string file(const std::string& folder, const std::string& slide_id,
                   const std::string& extension) const;
};

// A slide of the cohort, as it was when it was first opened.
struct CohortSlide {
  SlideEntry entry;
  slide::SlideInfo info;
  std::optional<annotation::AnnotationSet> annotations;
  std::string annotations_sha256;  // "" without
};
// What the slide's mask depends on. Error kNotFound, kIo: a mask that the table names.
storage::TissueKey mask_key(const PlanRules& plans, const CohortSlide& slide);

// Without its annotations. What its reader adapted is warned about. Errors: slide::open_slide's.
CohortSlide open_cohort_slide(const SlideEntry& entry, const Context& context);
// Error kInvalidArgument if the rules need annotations that the table (its path) does not have;
// those of reading them.
void add_annotations(const PlanRules& plans, const std::string& table, CohortSlide& slide,
                     const Context& context);

// A slide's pixels while a step is at them: a cohort keeps no more than one slide open.
class Pixels {
 public:
  explicit Pixels(const CohortSlide& slide) : slide_(slide) {}
  // Opened when first asked for. Error kMismatch if it is another slide than before.
  const std::shared_ptr<const slide::Slide>& open();

 private:
  const CohortSlide& slide_;
  std::shared_ptr<const slide::Slide> opened_;
};

// The encoder, loaded when it is first needed. What failed to load is not tried again for every
// slide: where memory ran out, a second try may end in the engine itself.
class LazyEncoder {
 public:
  encoder::Encoder& get(const PieceContext& pieces, int threads);
  double compile_seconds() const { return encoder_ ? encoder_->compile_seconds() : 0; }

 private:
  std::unique_ptr<encoder::Encoder> encoder_;
  std::optional<Error> failure_;
};

}  // namespace lamella::cohort
