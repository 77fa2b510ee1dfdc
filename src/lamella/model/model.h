// SPDX-License-Identifier: Apache-2.0
// A model: encoder, classifier, calibration and patch spec, and its folder.
// Errors: kNotFound, kCorrupt (not such a folder, or a field is missing: which), kIo.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/classifier/linear_model.h"
#include "lamella/encoder/encoder.h"
#include "lamella/evaluation/metrics.h"
#include "lamella/patch/patch_plan.h"

namespace lamella::model {

// What a calibration that was fitted to other labels than the training's stands on.
struct Recalibrated {
  classifier::Calibration before;                  // of the training
  int64_t patients = 0, slides = 0, patches = 0;   // patients 0: not known
  double log_loss_before = 0, log_loss_after = 0;  // on these patches
};

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
  // Of each class, chosen on held-out rows of the training; none where none were held out.
  std::vector<evaluation::Thresholds> thresholds;
  std::optional<Recalibrated> recalibrated;
};
void write_model(const Model& model, const std::string& folder);
Model read_model(const std::string& folder);

// Over all of the classifier's numbers, its classes and its feature space.
std::string classifier_sha256(const classifier::LinearModel& model);

}  // namespace lamella::model
