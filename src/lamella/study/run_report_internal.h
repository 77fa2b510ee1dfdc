// SPDX-License-Identifier: Apache-2.0
// What a run writes into its record.
#pragma once

#include <nlohmann/json.hpp>

#include "lamella/study/run_state_internal.h"

namespace lamella::study {

// One input file: kind, path, bytes, fingerprint (size and three samples, see io::fingerprint),
// and sha256 of the whole file for all but slides, for these too if `full_hash`.
// Error kNotFound, kIo.
nlohmann::json input_file(const std::string& kind, const std::string& path, bool full_hash);

// Every file that the run reads, the study file first, then tables and lists, then slides with
// their annotations in the table's order. A slide that cannot be opened has an "error" instead of
// hashes.
nlohmann::json inputs_json(const RunState& state);
nlohmann::json encoder_json(const RunState& state);
// Slides, patients and the digest of the data of each role (see cohort_digest).
nlohmann::json split_json(const RunState& state);
nlohmann::json seeds_json(const Study& study);
// Content hashes of the run's results: scores, heat-maps, model; paths relative to the output.
nlohmann::json outputs_json(const RunState& state);

// Fills in what is known before the first slide is opened.
void start_record(RunState& state, const encoder::EncoderInfo& encoder);
// Writes the slides' outcomes, at most every two seconds unless `now`.
void record_outcomes(RunState& state, bool now);
// Metrics of a role as curves "<role>_auc" and so on.
void measure_metrics(RunState& state, const std::string& role, const evaluation::Metrics& metrics);

}  // namespace lamella::study
