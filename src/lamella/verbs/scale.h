// SPDX-License-Identifier: Apache-2.0
// Scale is physical: a model keeps the effective mpp it was trained at, and every other slide is
// read at that mpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/patch/patch_plan.h"
#include "lamella/slide/slide_info.h"

namespace lamella::verbs {

inline constexpr double kMppTolerance = 0.05;

struct SlideScale {
  std::string slide_id;
  std::optional<double> effective_mpp;  // µm per patch pixel
};

// The lower median of the training slides' effective mpp; nullopt if none has one.
// Error kMismatch that lists the slides: they differ by more than 5 %, or some have an mpp and
// some have none.
std::optional<double> training_mpp(const std::vector<SlideScale>& slides);

// How a slide that did not train is read by a model trained with `trained` at `effective_mpp`:
// at that mpp; at the same level, with a warning, if the training slides had no mpp.
// Error kInvalidArgument if the model has a scale and the slide has none (says how to give it).
patch::PatchSpec spec_for_slide(const patch::PatchSpec& trained,
                                std::optional<double> effective_mpp, const slide::SlideInfo& info,
                                const Context& context);

}  // namespace lamella::verbs
