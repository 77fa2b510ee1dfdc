// SPDX-License-Identifier: Apache-2.0
// The files of a run that go to MLflow.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::mlflow {

struct RunFile {
  std::string name;  // at the server: "heatmaps/a.png"
  std::string path;
  std::string sha256;
};

struct RunFiles {
  std::vector<RunFile> files;
  std::vector<std::string> missing;  // recorded, but gone or overwritten since
};

// The record itself, log, study, report.
RunFiles record_files(const std::string& folder);
// The recorded outputs but for the model. What was sent (name to SHA-256) is not read again.
RunFiles output_files(const record::RunDocument& document, const nlohmann::json& sent);
// The files of the model's folder; empty, and its name in `missing`, if it is another one now.
RunFiles model_files(const record::RunDocument& document);
// Of those, the ones that make the MLflow model that takes slides and positions.
RunFiles position_model_files(const RunFiles& model);

}  // namespace lamella::mlflow
