// SPDX-License-Identifier: Apache-2.0
// Labels for patches whose positions are given, e.g. by another program's feature file.
#pragma once

#include "lamella/annotation/annotation.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {

// Each row gets the class that the rule says of its place, or none; rows stay as they are. Warnings
// go into the plan. Errors: those of plan_from_annotations.
void label_by_annotations(const slide::SlideInfo& info,
                          const annotation::AnnotationSet& annotations, const AnnotationRule& rule,
                          PatchPlan& plan);

// Each row gets the class of the centres that lie in it (this slide's), none if they are of two.
void label_by_centres(const CentreLists& lists, PatchPlan& plan);

}  // namespace lamella::patch
