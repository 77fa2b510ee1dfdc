// SPDX-License-Identifier: Apache-2.0
// What a run writes into its record.
#pragma once

#include <string>

#include "lamella/study/run_state_internal.h"

namespace lamella::study {

// Inputs and split: every file that the run reads, the study file first, then tables and lists,
// then slides with their annotations in the table's order. A slide that cannot be opened has an
// "error" instead of hashes.
void record_inputs(RunState& state);
// Content hashes of the run's results that are finished: scores, heat-maps, model; paths relative
// to the output. A file is read once.
record::Outputs outputs_of(RunState& state);

// Fills in what is known before the first slide is opened.
void start_record(RunState& state, bool full_hash);
// Writes the slides' outcomes; unless `now` not while the record rests.
void record_outcomes(RunState& state, bool now);

}  // namespace lamella::study
