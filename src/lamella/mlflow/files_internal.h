// SPDX-License-Identifier: Apache-2.0
// The files of a run that go to MLflow.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::mlflow {

struct RunFile {
  std::string name;   // at the server: "heatmaps/a.png"
  std::string path;   // or
  std::string bytes;  // where there is none
  std::string sha256;
};

struct RunFiles {
  std::vector<RunFile> files;
  std::vector<std::string> missing;  // recorded, but gone or overwritten since
};

// Whether this kind of artifacts is sent, see artifact_kinds.
bool is_wanted(const record::RunDocument& document, const std::string& kind);

// The record itself, log, study; the report.
RunFiles record_files(const record::RunDocument& document, const std::string& folder);
// The recorded outputs but for the model. What was sent (name to SHA-256) is not read again.
RunFiles output_files(const record::RunDocument& document, const nlohmann::json& sent);
// The files of the model's folder; empty, and its name in `missing`, if it is another one now.
RunFiles model_files(const record::RunDocument& document);
// Of those, the ones that make the MLflow model of patches: one network, which has the encoder
// inside. Empty where the model cannot be one network.
RunFiles network_model_files(const RunFiles& model);
// And those of the one that takes slides and positions, which is the model as lamella reads it.
RunFiles position_model_files(const RunFiles& model);

// What an MLmodel says of where it was logged; the one on disk cannot know.
struct LoggedModel {
  std::string run_id, model_id;  // model_id "": before MLflow 3
  std::string artifact_path;
  int64_t created_ms = 0;
};
void complete_mlmodel(RunFiles& files, const LoggedModel& logged);
// The text of the model's card, "" if it has none.
std::string card_of(const RunFiles& model);

}  // namespace lamella::mlflow
