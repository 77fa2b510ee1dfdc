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
constexpr const char* kServingExample = "serving_input_example.json";
// The environment that the model's files are tested in: LAMELLA_MLFLOW_PACKAGES is
// "name==version|" of each.
constexpr const char* kPython = "3.11.2";
const std::vector<std::string> kOnnxPackages = {"numpy", "onnx", "onnxruntime", "mlflow"};
const std::vector<std::string> kRowsPackages = {"numpy", "pandas", "mlflow"};

std::string pinned(const std::string& package) {
  constexpr std::string_view kTested = "|" LAMELLA_MLFLOW_PACKAGES;
  const size_t start = kTested.find("|" + package + "==") + 1;
  return std::string(kTested.substr(start, kTested.find('|', start) - start));
}

std::vector<std::string> pinned(const std::vector<std::string>& packages) {
  std::vector<std::string> lines;
  for (const std::string& package : packages) lines.push_back(pinned(package));
  return lines;
}

nlohmann::json pyfunc(const char* loader) {
  return {{"loader_module", loader},
          {"python_version", kPython},
          {"env", {{"conda", "conda.yaml"}, {"virtualenv", "python_env.yaml"}}}};
}

std::string mlflow_version() { return pinned("mlflow").substr(std::string("mlflow==").size()); }

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
  nlohmann::json loaded = pyfunc("mlflow.onnx");
  loaded["data"] = kOnnx;
  const std::string onnx = pinned("onnx").substr(std::string("onnx==").size());
  const nlohmann::json document = {
      {"flavors",
       {{"onnx",
         {{"data", kOnnx}, {"onnx_version", onnx}, {"providers", {"CPUExecutionProvider"}}}},
        {"python_function", loaded}}},
      {"mlflow_version", mlflow_version()},
      {"model_uuid", onnx_sha256.substr(0, 32)},
      {"signature", {{"inputs", input.dump()}, {"outputs", output.dump()}}},
      {"saved_input_example_info",
       {{"artifact_path", "input_example.json"},
        {"serving_input_path", kServingExample},
        {"type", "ndarray"}}},
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
      {"flavors", {{"python_function", pyfunc("lamella.mlflow_loader")}}},
      {"mlflow_version", mlflow_version()},
      {"model_uuid", io::file_sha256(folder + "/model.json").substr(0, 32)},
      {"signature", {{"inputs", input.dump()}, {"outputs", output.dump()}}},
      {"metadata", metadata_of(model)}};
  return document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// requirements.txt and what builds environments from it.
void write_environment(const std::string& folder, const std::vector<std::string>& packages) {
  io::write_file_atomic(folder + "/requirements.txt", join(packages, "\n") + "\n");
  io::write_file_atomic(folder + "/python_env.yaml",
                        fmt::format("python: \"{}\"\nbuild_dependencies: [pip]\n"
                                    "dependencies: [-r requirements.txt]\n",
                                    kPython));
  io::write_file_atomic(folder + "/conda.yaml",
                        fmt::format("name: lamella_model\nchannels: [conda-forge]\ndependencies:\n"
                                    "- python={}\n- pip\n- pip:\n  - {}\n",
                                    kPython, join(packages, "\n  - ")));
}

// One patch of a plain colour.
nlohmann::json input_example(int px) {
  constexpr int kLight = 230;
  const std::vector<int> pixel(3, kLight);
  const std::vector<std::vector<int>> row(static_cast<size_t>(px), pixel);
  const nlohmann::json patch = std::vector(static_cast<size_t>(px), row);
  return nlohmann::json::array({patch});
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
  write_environment(folder, pinned(kOnnxPackages));
  const nlohmann::json example = input_example(exported_px(model));
  write("input_example.json", example.dump() + "\n");
  // As it is posted to /invocations.
  nlohmann::json posted;
  posted["inputs"] = example;
  write(kServingExample, posted.dump() + "\n");
  return {};
}

void write_position_model(const Model& model, const std::string& folder) {
  const std::string own = folder + "/" + kPositionModelFolder;
  io::make_folders(own);
  io::write_file_atomic(own + "/MLmodel", position_mlmodel(model, folder));
  std::vector<std::string> packages = pinned(kRowsPackages);
  packages.push_back("lamella==" LAMELLA_VERSION);
  write_environment(own, packages);
}

}  // namespace lamella::model
