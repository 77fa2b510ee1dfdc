// SPDX-License-Identifier: Apache-2.0
// Slides that are unlike those that the model was trained on.
#pragma once

#include "lamella/study/run_state_internal.h"

namespace lamella::study {

// From the labelled rows of the slides to train on, each held out in turn with all of its patient:
// what is usual. held_out: of the training slides. Fills in the outcomes of slides to train and to
// test on.
void learn_what_is_usual(RunState& state, const verbs::HeldOutSlides& held_out);
// Fills in the outcome of a slide that is only scored, by at most classifier::kRowsCompared patches
// of its tissue.
void compare_with_usual(RunState& state, SlideWork& work, const storage::FeatureReader& grid);

// Once every mask is made: how the stain of each slide stands to that of the training slides.
void compare_colours(RunState& state);

}  // namespace lamella::study
