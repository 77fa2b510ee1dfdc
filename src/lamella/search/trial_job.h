// SPDX-License-Identifier: Apache-2.0
// One trial of a search as a value, to be made anywhere that sees the study's files and output.
#pragma once

#include <string>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"
#include "lamella/study/run_study.h"

namespace lamella::search {

struct TrialJob {
  size_t place = 0;            // among the trials of its search
  record::SearchTrial trial;   // not begun
  study::Study study;          // its own, see study_of_trial
  study::RunOptions options;   // as part of its search
  std::string encoder_sha256;  // of the network that the search found
};

struct TrialResult {
  size_t place = 0;
  record::SearchTrial trial;       // "done" with its figures, or "failed" with its error
  verbs::SplitEvaluation in_turn;  // of one that is done, with [split]
};

// The encoder is found again. A trial that fails, or one of whose slides does, is a result like
// another. Error kInterrupted.
TrialResult run_trial(const TrialJob& job, const Context& context);

}  // namespace lamella::search
