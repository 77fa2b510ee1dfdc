// SPDX-License-Identifier: Apache-2.0
// The pieces of a run that are kept on disk and found again by their key.
#pragma once

#include <functional>
#include <string>

#include "lamella/storage/piece_key.h"
#include "lamella/study/run_state_internal.h"

namespace lamella::study {

struct PlanRequest {
  std::string kind;  // "labelled" or "grid": the sub-folder
  patch::PatchSpec spec;
  bool has_scale = true;  // false: the model knows no mpp, so the patches are given none either
  storage::PlanKey key;   // what the plan depends on besides slide, spec and tissue options
  std::function<patch::PatchPlan(const tissue::TissueMask&)> make;
};

// Opens the slide and reads its annotations. Errors: those of both, and kInvalidArgument if the
// study needs annotations that the table does not have.
void open_work(const RunState& state, SlideWork& work);
void read_centres(RunState& state);
// Error kMismatch if a slide to train on and one to test on are the same file under two names; a
// warning if two of the same role are. All slides must have been opened.
void refuse_same_slides(const RunState& state);
// The slide, opened if it is not. Error kMismatch if it is another one than when the run began.
const std::shared_ptr<const slide::Slide>& pixels_of(SlideWork& work);

// The labelled rows of a train or test slide.
PlanRequest labelled_request(const RunState& state, const SlideWork& work);
// The whole tissue of a test or score slide.
PlanRequest grid_request(const RunState& state, const SlideWork& work);

// Where a plan and its features are kept, and what they are found by.
struct PieceNames {
  std::string plan_path, plan_key;
  std::string features_path, features_key;
};
PieceNames piece_names(const RunState& state, const SlideWork& work, const PlanRequest& request);

// From disk if its key matches, else made and written.
patch::PatchPlan planned(RunState& state, SlideWork& work, const PlanRequest& request,
                         const PieceNames& names);

// The plan and its features, from disk where their keys match, else made and written; read as they
// are needed. The features' key is returned in `key`. Counts patches in the slide's outcome and
// time in the result.
std::unique_ptr<storage::FeatureReader> planned_features(RunState& state, SlideWork& work,
                                                         const PlanRequest& request,
                                                         std::string& key);

}  // namespace lamella::study
