// SPDX-License-Identifier: Apache-2.0
// A model: encoder, classifier, calibration and patch spec, and its folder.
// Errors: kNotFound, kCorrupt (not such a folder, or a field is missing: which), kIo.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/classifier/linear_model.h"
#include "lamella/encoder/encoder.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::model {

// A model is one self-contained folder: model.json (classifier, calibration, patch spec, effective
// mpp, encoder) + encoder/ (encoder.json, network.onnx).
struct Model {
  classifier::LinearModel classifier;
  patch::PatchSpec spec;
  std::optional<double> effective_mpp;  // of the training patches
  encoder::EncoderInfo encoder;         // folder: inside the model's after reading
  encoder::Precision precision = encoder::Precision::kAuto;
  std::vector<classifier::LambdaTrial> trials;
  std::string name;
};
void write_model(const Model& model, const std::string& folder);
Model read_model(const std::string& folder);

// Over all of the classifier's numbers, its classes and its feature space.
std::string classifier_sha256(const classifier::LinearModel& model);

}  // namespace lamella::model
