// SPDX-License-Identifier: Apache-2.0
// Options as a study spells them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lamella::study {

// "min_tissue" -> "score.min_tissue", "slide_mpp" -> "the slides table's mpp column"; the name
// itself if no study has it.
std::string option_key(const std::string& name);

// A message of the verbs with every option named as a study spells it.
std::string spell_keys(const std::string& message);

// Every option of study files and verbs: {"study": {section: [...]}, "verbs": {verb: [...]}}, see
// describe.
nlohmann::json all_options();

}  // namespace lamella::study
