// SPDX-License-Identifier: Apache-2.0
// What a run writes into its record.
#pragma once

#include <nlohmann/json.hpp>

#include "lamella/study/manifest.h"
#include "lamella/study/run_state_internal.h"

namespace lamella::study {

// Every file that the run reads, the study file first, then tables and lists, then slides with
// their annotations in the table's order. A slide that cannot be opened has an "error" instead of
// hashes.
nlohmann::json inputs_json(const RunState& state);
nlohmann::json encoder_json(const RunState& state);
// Slides, patients and cohort_digest of each role.
nlohmann::json split_json(const RunState& state, const nlohmann::json& inputs);
nlohmann::json seeds_json(const Study& study);
// Content hashes of the run's results that are finished: scores, heat-maps, model; paths relative
// to the output. A file is read once.
nlohmann::json outputs_json(RunState& state);

// Fills in what is known before the first slide is opened.
void start_record(RunState& state, const encoder::EncoderInfo& encoder);
// Writes the slides' outcomes; unless `now` not while the record rests.
void record_outcomes(RunState& state, bool now);
// Metrics of a role as curves "<role>_auc" and so on.
void measure_metrics(RunState& state, const std::string& role,
                     const evaluation::ClassMetrics& metrics);

}  // namespace lamella::study
