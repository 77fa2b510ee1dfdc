// SPDX-License-Identifier: Apache-2.0
// Slides that are unlike those that the model was trained on.
#pragma once

#include <map>
#include <string>

#include "lamella/study/run_state_internal.h"

namespace lamella::study {

// From the labelled rows of the slides to train on, each held out in turn with all of its patient:
// what is usual. held_out_unsure: of the training slides, see verbs::unsure_by_slide. Fills in the
// outcomes of slides to train and to test on.
void learn_what_is_usual(RunState& state, const std::map<std::string, double>& held_out_unsure);
// Fills in the outcome of a slide that is only scored, by at most classifier::kRowsCompared patches
// of its tissue.
void compare_with_usual(RunState& state, SlideWork& work, const storage::FeatureReader& grid);

}  // namespace lamella::study
