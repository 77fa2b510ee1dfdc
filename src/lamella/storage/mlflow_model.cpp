// SPDX-License-Identifier: Apache-2.0
// The files that make a model folder an MLflow model.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lamella/base/hash.h"
#include "lamella/io/files.h"
#include "lamella/storage/onnx_export.h"

namespace lamella::storage {

namespace {

constexpr const char* kOnnx = "model.onnx";
constexpr const char* kRequirements = "numpy\nonnx\nonnxruntime\nmlflow\n";

// YAML takes JSON, and JSON is what we can write without mistakes.
std::string mlmodel(const Model& model, const std::string& onnx_sha256) {
  const int px = exported_px(model);
  const nlohmann::json input = {
      {{"type", "tensor"}, {"tensor-spec", {{"dtype", "uint8"}, {"shape", {-1, px, px, 3}}}}}};
  const nlohmann::json output = {{{"name", "probability"},
                                  {"type", "tensor"},
                                  {"tensor-spec", {{"dtype", "float32"}, {"shape", {-1}}}}}};
  const nlohmann::json environment = {{"conda", "conda.yaml"}, {"virtualenv", "python_env.yaml"}};
  const nlohmann::json document = {
      {"flavors",
       {{"onnx", {{"data", kOnnx}, {"providers", {"CPUExecutionProvider"}}}},
        {"python_function",
         {{"loader_module", "mlflow.onnx"}, {"data", kOnnx}, {"env", environment}}}}},
      {"model_uuid", onnx_sha256.substr(0, 32)},
      {"signature", {{"inputs", input.dump()}, {"outputs", output.dump()}}},
      {"saved_input_example_info", {{"artifact_path", "input_example.json"}, {"type", "ndarray"}}},
      {"metadata", {{"lamella", LAMELLA_VERSION}, {"name", model.name}}}};
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
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

void write_mlflow_files(const Model& model, const std::string& folder) {
  const std::string onnx = export_onnx(model);
  const auto write = [&](const char* name, const std::string& text) {
    io::write_file_atomic(folder + "/" + name, text);
  };
  write(kOnnx, onnx);
  write("MLmodel", mlmodel(model, sha256_hex(onnx)));
  write("requirements.txt", kRequirements);
  write("python_env.yaml",
        "python: \"3.11\"\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n");
  write("conda.yaml",
        "name: lamella_model\nchannels: [conda-forge]\ndependencies:\n- python=3.11\n- pip\n"
        "- pip:\n  - numpy\n  - onnx\n  - onnxruntime\n  - mlflow\n");
  write("input_example.json", input_example(exported_px(model)));
}

}  // namespace lamella::storage
