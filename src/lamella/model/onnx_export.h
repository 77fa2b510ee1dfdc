// SPDX-License-Identifier: Apache-2.0
// A model as one ONNX file, patch in, probabilities out, and as an MLflow model.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "lamella/model/model.h"

namespace lamella::model {

// Side of the patches that the exported network takes, in px: the patch's own where the encoder
// enlarges it (bilinear, inside the network), else the encoder's input.
int exported_px(const Model& model);

// The bytes of an ONNX file that holds preprocessing, encoder, standardisation, classifier and
// calibration. Input "patches": N x px x px x 3 uint8 RGB, px = exported_px(model). Output
// "probability": N x c float32, the classes' columns in order, whose names are the file's metadata
// "lamella.classes". The encoder's own nodes and weights are taken over as they are.
// Error kCorrupt (no ONNX), kUnsupported (more than one input; features that are not the
// encoder's alone), kLimit (2 GiB, the most that an ONNX file can have).
std::string export_onnx(const Model& model);

// Adds metadata "lamella.<key>" to an ONNX file's bytes.
void add_onnx_metadata(std::string& onnx, const std::map<std::string, std::string>& entries);

// Why a model cannot be one network, in words; nullopt if it can.
std::optional<std::string> why_not_exported(const Model& model);

// Both at once, for one reading of the network: the bytes, or why not.
struct OnnxExport {
  std::string bytes;
  std::optional<std::string> why_not;
};
OnnxExport try_export_onnx(const Model& model);

// Writes model.onnx, MLmodel, requirements.txt, conda.yaml, python_env.yaml, input_example.json and
// serving_input_example.json (which can be posted) into the model's folder, so that it is an MLflow
// model: flavours onnx and python_function, which need the packages onnx and onnxruntime and
// nothing of lamella. Where it cannot be one network nothing is written: why not, in words. Other
// errors as export_onnx's.
std::optional<std::string> write_mlflow_files(const Model& model, const std::string& folder);

// A second MLflow model, in a folder of its own in the model's: rows that name a slide and a
// position in, probabilities out. It is loaded by the Python package lamella and takes the model
// from the folder around it, or from its own if somebody puts it there. For every model. Error kIo.
inline constexpr const char* kPositionModelFolder = "by_position";
void write_position_model(const Model& model, const std::string& folder);

}  // namespace lamella::model
