// SPDX-License-Identifier: Apache-2.0
// What of a run record goes to MLflow, in MLflow's words. No request is made here: the same record
// gives the same content, which is what makes sending it twice harmless.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::mlflow {

// One run at MLflow: the recorded run itself or one nested in it.
struct Run {
  std::string key;   // value of the tag kRunTag, by which it is found again
  std::string name;  // shown as the run's name
  std::string status;
  int64_t start_ms = 0;
  std::optional<int64_t> end_ms;
  nlohmann::json params = nlohmann::json::array();   // {"key", "value"}
  nlohmann::json tags = nlohmann::json::array();     // {"key", "value"}
  nlohmann::json metrics = nlohmann::json::array();  // {"key", "value", "timestamp", "step"}
};

inline constexpr const char* kRunTag = "lamella.run_id";
inline constexpr size_t kMaxParamCharacters = 6000;
inline constexpr size_t kMaxTagCharacters = 5000;
inline constexpr size_t kMaxKeyCharacters = 250;

Run run_content(const record::RunDocument& document);
// "lambda path" (loss by penalty over all folds) and "fold 1" … (in each fold), if the penalty was
// chosen by cross-validation.
std::vector<Run> nested_contents(const record::RunDocument& document);

// A dataset input of the run.
struct Dataset {
  std::string role;
  std::string name, digest;
  nlohmann::json input;  // as log-inputs takes it
};
// One a role, with the digest of their data.
std::vector<Dataset> dataset_inputs(const record::RunDocument& document);

// Bodies of log-batch within the server's limits: 1,000 metrics, 100 parameters, 100 tags, 1,000
// together, 1 MB.
std::vector<nlohmann::json> batches(const std::string& run_id, const nlohmann::json& params,
                                    const nlohmann::json& tags, const nlohmann::json& metrics);

// A key with what MLflow does not take replaced by "_": letters, digits, "_", "-", ".", " ", ":"
// and "/" stay, and whatever is not ASCII.
std::string valid_key(const std::string& name);
// At most so many characters (not bytes); what is cut ends in "…".
std::string cut(const std::string& text, size_t characters);

}  // namespace lamella::mlflow
