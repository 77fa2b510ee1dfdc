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

// What becomes of annotations until study files name their classes.
struct TwoGroups {
  std::vector<std::string> positive, negative;
  bool negative_from_tissue = false;
};
const ClassTable& two_classes();
patch::AnnotationRule with_groups(patch::AnnotationRule rule, const TwoGroups& groups);

struct PlanSlideOptions {
  patch::PatchSpec spec;
  patch::GridOptions grid;                 // where there are neither centres nor annotations
  std::vector<patch::CentreFile> centers;  // NCRF lists
  std::vector<std::string> annotations;    // ASAP XML or NCRF JSON files, taken as one
  TwoGroups groups;                        // for annotations
  patch::AnnotationRule rule;              // the same; its classes are made of the groups
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
