// SPDX-License-Identifier: Apache-2.0
// The verb plan on one slide, with labels and tissue by the files they are in.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/slide.h"
#include "lamella/tissue/tissue.h"

namespace lamella::verbs {

struct PlanSlideOptions {
  patch::PatchSpec spec;
  patch::GridOptions grid;                 // where there are neither centres nor annotations
  std::vector<patch::CentreFile> centers;  // NCRF lists
  std::vector<std::string> annotations;    // ASAP XML or NCRF JSON files, taken as one
  patch::AnnotationRule rule;              // for annotations
  std::string tissue = "auto";             // see tissue_mask
  void validate() const;
};

// "auto", "none" or the path of a mask PNG.
tissue::TissueMask tissue_mask(const std::string& choice, const slide::Slide& slide,
                               const Context& context);

// The plan's warnings and the annotations' notes are given to the context.
// Errors: those of the plan functions; kInvalidArgument: both centres and annotations.
patch::PatchPlan plan_slide(const slide::Slide& slide, const std::string& slide_id,
                            const PlanSlideOptions& options, const Context& context);

}  // namespace lamella::verbs
