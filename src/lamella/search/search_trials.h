// SPDX-License-Identifier: Apache-2.0
// The trials of a search, before any of them is made.
#pragma once

#include <string>
#include <vector>

#include "lamella/record/run_document.h"
#include "lamella/study/study_file.h"

namespace lamella::search {

// The combinations of the study's [search]: each with its name, its options ("table.key=value") and
// the folder of its pieces beneath <output>/search, which trials share whose features are the same.
// Encoders with other views are made beneath <output>/search/encoders. The same for the same study.
// `left_out`: of the grid, beyond `trials`.
// Error kInvalidArgument: nothing to vary; the penalty is given, so that no rows are held out; mpp
// for a study whose patches are by level; a value that no study takes. Error kNotFound: an encoder.
struct SearchTrials {
  std::vector<record::SearchTrial> trials;
  int64_t left_out = 0;
};
SearchTrials search_trials(const study::Study& study);

// The study of one trial, with its own output. whole: with all that the study asks for beside the
// classifier; else no controls, and nothing is registered at MLflow.
// parent: MLflow's id of the search's run, "" if it is at no server.
study::Study study_of_trial(const study::Study& study, const record::SearchTrial& trial, bool whole,
                            const std::string& parent = {});

}  // namespace lamella::search
