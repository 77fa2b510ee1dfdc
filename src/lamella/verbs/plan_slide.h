// SPDX-License-Identifier: Apache-2.0
// The verb plan on one slide, with labels and tissue by the files they are in.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/patch/named_classes.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"

namespace lamella::verbs {

struct PlanSlideOptions {
  patch::PatchSpec spec;
  patch::GridOptions grid;               // where there are neither centres nor annotations
  patch::LabelOptions labels;            // what centres and annotations mean
  std::vector<std::string> centers;      // NCRF lists and their classes, "FILE:CLASS"
  std::vector<std::string> annotations;  // files of any format, taken as one
  patch::AnnotationRule rule;            // its numbers; the rest comes from `labels`
  std::string tissue = "auto";           // see tissue_mask
  tissue::TissueOptions mask;            // where it is made
  slide::DamageOptions damage;           // in making it
  bool has_labels() const { return !centers.empty() || !annotations.empty(); }
  void validate() const;
  static const OptionTable<PlanSlideOptions>& table();
};

// The lists of centres, read; what was adapted in reading is warned about.
patch::CentreLists read_lists(const patch::LabelSources& sources, const Context& context);

// "auto" (made by the options), "none" or the path of a mask PNG. kSkip: what cannot be decoded
// counts as white, with a warning.
tissue::TissueMask tissue_mask(const std::string& choice, const tissue::TissueOptions& options,
                               slide::OnDamage on_damage, const slide::Slide& slide,
                               const Context& context);

// The plan's warnings and the annotations' notes are given to the context.
// Errors: those of the plan functions; kInvalidArgument: both centres and annotations.
patch::PatchPlan plan_slide(const slide::Slide& slide, const std::string& slide_id,
                            const PlanSlideOptions& options, const Context& context);
// The same, written to `path`.
patch::PatchPlan plan_slide_file(const slide::Slide& slide, const std::string& slide_id,
                                 const PlanSlideOptions& options, const std::string& path,
                                 const Context& context);

}  // namespace lamella::verbs
