// SPDX-License-Identifier: Apache-2.0
// A model as one ONNX file, and how far its probabilities are from the model's own.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "lamella/base/context.h"
#include "lamella/model/model.h"
#include "lamella/slide/slide.h"

namespace lamella::verbs {

struct ExportOptions {
  std::string out;                            // file to write
  std::shared_ptr<const slide::Slide> slide;  // to measure the difference on; null: not measured
  int64_t max_patches = 256;                  // evenly from the grid over its tissue
};

// Absolute differences of probabilities.
struct ExportDifference {
  int64_t patches = 0;
  double largest = 0, mean = 0;
  std::string precision;  // of the model's own
};

struct ExportedModel {
  std::string sha256;
  int64_t bytes = 0;
  int patch_px = 0;
  std::optional<ExportDifference> difference;
};

// Writes model::export_onnx. The difference is that of the model's own probabilities, in the
// precision that it was trained for, from those of the exported network, run as what it is: f32, or
// the 8-bit numbers in it; it goes into the file's metadata (lamella.difference_largest, _mean,
// _patches, lamella.precision), too.
// Error as export_onnx's, load_encoder's and score_slide's; kInvalidArgument: no tissue.
ExportedModel export_model(const model::Model& model, const ExportOptions& options,
                           const Context& context);

nlohmann::json to_json(const ExportDifference& difference);
// `path` is that of the file.
nlohmann::json to_json(const ExportedModel& made, const std::string& path);

}  // namespace lamella::verbs
