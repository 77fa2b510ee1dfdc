// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lamella/heatmap/heatmap.h"
#include "lamella/patch/patch_plan.h"
#include "lamella/slide/slide_info.h"

namespace lamella::verbs {

// Error kMismatch if the plan was made for another slide (by fingerprint): both are named.
void require_same_slide(const patch::PatchPlan& plan, const slide::SlideInfo& info);
// The same for scores that say whose they are; `path` is what the error names.
void require_same_slide(const heatmap::ScoredSlide& scored, const slide::SlideInfo& info,
                        const std::string& path);

}  // namespace lamella::verbs
