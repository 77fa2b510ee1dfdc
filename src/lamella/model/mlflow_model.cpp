// SPDX-License-Identifier: Apache-2.0
// The files that make a model folder an MLflow model.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"
#include "lamella/model/onnx_export.h"

namespace lamella::model {

namespace {

constexpr const char* kOnnx = "model.onnx";
const std::vector<std::string> kOnnxPackages = {"numpy", "onnx", "onnxruntime", "mlflow"};
const std::vector<std::string> kRowsPackages = {"numpy", "pandas", "mlflow"};

nlohmann::json environment_files() {
  return {{"conda", "conda.yaml"}, {"virtualenv", "python_env.yaml"}};
}

// The names of the output's columns are in it.
nlohmann::json metadata_of(const Model& model) {
  return {{"lamella", LAMELLA_VERSION},
          {"name", model.name},
          {"classes", model.classifier.classes.names}};
}

// YAML takes JSON, and JSON is what we can write without mistakes.
std::string mlmodel(const Model& model, const std::string& onnx_sha256) {
  const int px = exported_px(model);
  const nlohmann::json input = {
      {{"type", "tensor"}, {"tensor-spec", {{"dtype", "uint8"}, {"shape", {-1, px, px, 3}}}}}};
  const nlohmann::json output = {
      {{"name", "probability"},
       {"type", "tensor"},
       {"tensor-spec", {{"dtype", "float32"}, {"shape", {-1, model.classifier.classes.count()}}}}}};
  const nlohmann::json document = {
      {"flavors",
       {{"onnx", {{"data", kOnnx}, {"providers", {"CPUExecutionProvider"}}}},
        {"python_function",
         {{"loader_module", "mlflow.onnx"}, {"data", kOnnx}, {"env", environment_files()}}}}},
      {"model_uuid", onnx_sha256.substr(0, 32)},
      {"signature", {{"inputs", input.dump()}, {"outputs", output.dump()}}},
      {"saved_input_example_info", {{"artifact_path", "input_example.json"}, {"type", "ndarray"}}},
      {"metadata", metadata_of(model)}};
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

nlohmann::json column(const std::string& name, const char* type) {
  return {{"name", name}, {"type", type}, {"required", true}};
}

std::string position_mlmodel(const Model& model, const std::string& folder) {
  const nlohmann::json input = {column("slide", "string"), column("x_px", "long"),
                                column("y_px", "long")};
  nlohmann::json output = nlohmann::json::array();
  for (const std::string& name : model.classifier.classes.names) {
    output.push_back(column("prob_" + name, "float"));
  }
  const nlohmann::json document = {
      {"flavors",
       {{"python_function",
         {{"loader_module", "lamella.mlflow_loader"}, {"env", environment_files()}}}}},
      {"model_uuid", io::file_sha256(folder + "/model.json").substr(0, 32)},
      {"signature", {{"inputs", input.dump()}, {"outputs", output.dump()}}},
      {"metadata", metadata_of(model)}};
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// requirements.txt and what builds environments from it.
void write_environment(const std::string& folder, const std::vector<std::string>& packages,
                       const std::string& comment) {
  io::write_file_atomic(folder + "/requirements.txt", comment + join(packages, "\n") + "\n");
  io::write_file_atomic(
      folder + "/python_env.yaml",
      "python: \"3.11\"\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n");
  io::write_file_atomic(folder + "/conda.yaml",
                        "name: lamella_model\nchannels: [conda-forge]\ndependencies:\n"
                        "- python=3.11\n- pip\n- pip:\n  - " +
                            join(packages, "\n  - ") + "\n");
}

// One patch of a plain colour.
std::string input_example(int px) {
  constexpr int kLight = 230;
  const std::vector<int> pixel(3, kLight);
  const std::vector<std::vector<int>> row(static_cast<size_t>(px), pixel);
  const nlohmann::json patch = std::vector(static_cast<size_t>(px), row);
  return nlohmann::json::array({patch}).dump() + "\n";
}

}  // namespace

std::optional<std::string> write_mlflow_files(const Model& model, const std::string& folder) {
  OnnxExport made = try_export_onnx(model);
  if (made.why_not) return made.why_not;
  const std::string& onnx = made.bytes;
  const auto write = [&](const char* name, const std::string& text) {
    io::write_file_atomic(folder + "/" + name, text);
  };
  write(kOnnx, onnx);
  write("MLmodel", mlmodel(model, sha256_hex(onnx)));
  write_environment(folder, kOnnxPackages, "");
  write("input_example.json", input_example(exported_px(model)));
  return {};
}

void write_position_model(const Model& model, const std::string& folder) {
  const std::string own = folder + "/" + kPositionModelFolder;
  io::make_folders(own);
  io::write_file_atomic(own + "/MLmodel", position_mlmodel(model, folder));
  write_environment(own, kRowsPackages,
                    "# and lamella " LAMELLA_VERSION
                    ", installed from its source (pip install .): it is in no registry\n");
}

}  // namespace lamella::model
