// SPDX-License-Identifier: Apache-2.0
// A run document as JSON. All from_json: Error kCorrupt, with the place ("slides[3].patches") and
// what was found and expected.
#pragma once

#include <nlohmann/json.hpp>

#include "lamella/record/run_document.h"

namespace lamella::record {

void to_json(nlohmann::json& json, const Input& input);
void from_json(const nlohmann::json& json, Input& input);
void to_json(nlohmann::json& json, const Cohort& cohort);
void to_json(nlohmann::json& json, const EncoderUsed& encoder);
void to_json(nlohmann::json& json, const Software& software);
void to_json(nlohmann::json& json, const Training& training);
void to_json(nlohmann::json& json, const Output& output);
void to_json(nlohmann::json& json, const Outcome& outcome);
void to_json(nlohmann::json& json, const Command& command);

// Beginning with "format"; members in the order in which people want to read them.
void to_json(nlohmann::ordered_json& json, const RunDocument& document);
void to_json(nlohmann::json& json, const RunDocument& document);

// Of this format or an earlier one (a record without "format" is of the first), which is brought
// up to date. Members that are not known are passed over. Error kUnsupported: the record is of a
// newer version of lamella.
void from_json(const nlohmann::json& json, RunDocument& document);

// JSON Schema (draft 2020-12) of run.json.
nlohmann::ordered_json run_schema();

}  // namespace lamella::record
