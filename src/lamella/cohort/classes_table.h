// SPDX-License-Identifier: Apache-2.0
// The table [classes] of a study file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lamella/patch/named_classes.h"
#include "lamella/settings/toml_reader.h"

namespace lamella::cohort {

// In the order of the file; relative paths are relative to `folder`. Error kFormat at the class.
void read_classes(settings::TomlReader table, const std::string& folder,
                  patch::LabelSources& sources);

// Refuses the keys of patches that were there before classes had names, and says what to write in
// their place, with the file's own values.
void refuse_old_labels(const settings::TomlReader& reader);

// [{"name": ..., "centers": [...]} or {"name", "annotations", "rest_of_tissue", "wins_over"}, ...]
nlohmann::json classes_json(const patch::LabelSources& sources);

}  // namespace lamella::cohort
