// SPDX-License-Identifier: Apache-2.0
// What TRIDENT's layout has no place for, as one JSON attribute.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lamella/base/error.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::storage {

nlohmann::json spec_to_json(const patch::PatchSpec& spec);
patch::PatchSpec spec_from_json(const nlohmann::json& json);

// All of a plan but its rows. The second fills everything but the rows of *plan. Error
// kUnsupported: of a newer format.
nlohmann::json plan_to_json(const patch::PatchPlan& plan);
void plan_from_json(const nlohmann::json& json, patch::PatchPlan* plan);

std::optional<double> optional_double(const nlohmann::json& json, const char* key);

// Runs parse(); a JSON exception becomes Error kCorrupt that names `path` and `what`.
template <typename Parse>
auto parse_or_corrupt(const std::string& path, const std::string& what, const Parse& parse) {
  try {
    return parse();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kCorrupt, what + " does not parse: " + error.what(), path);
  }
}

}  // namespace lamella::storage
