// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lamella/patch/patch_plan.h"
#include "lamella/slide/slide_info.h"

namespace lamella::verbs {

// Error kMismatch if the plan was made for another slide (by fingerprint): both are named.
void require_same_slide(const patch::PatchPlan& plan, const slide::SlideInfo& info);

}  // namespace lamella::verbs
