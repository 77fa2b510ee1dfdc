// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lamella/patch/named_classes.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/slide/on_damage.h"
#include "lamella/tissue/tissue.h"

namespace lamella::cohort {

// What the plans of a cohort's slides are made by.
struct PlanRules {
  patch::PatchSpec patches;
  slide::DamageOptions damage;
  patch::LabelSources labels;  // classes, and where they come from
  tissue::TissueOptions tissue;
  patch::GridOptions grid;  // of the slides that are scored
  const ClassTable& classes() const { return labels.rule.classes; }
};

}  // namespace lamella::cohort
