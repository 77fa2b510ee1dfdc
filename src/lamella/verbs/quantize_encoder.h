// SPDX-License-Identifier: Apache-2.0
// An encoder in 8-bit whole numbers, calibrated and judged on the user's own patches.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/option.h"
#include "lamella/encoder/encoder.h"

namespace lamella::verbs {

inline constexpr int64_t kLeastQuantizePatches = 32;  // fewer say nothing

struct QuantizeOptions {
  std::string encoder;             // name or folder
  std::vector<std::string> plans;  // plan files of the user's slides
  std::string out;                 // folder to make
  std::string name;                // "": the encoder's, with "-int8"
  int64_t calibration_patches = 300;
  int64_t held_out_patches = 1000;
  double max_cosine_loss = 0.02;  // 1 - mean cosine of held-out features
  double max_auc_loss = 0.005;    // AUC of the encoder less that of the int8 one
  bool accept_any_loss = false;
  uint64_t seed = 7;
  // Error kInvalidArgument.
  void validate() const;
  static const OptionTable<QuantizeOptions>& table();
};

// Makes an int8 network of the one in `folder`, calibrated on raw pictures (n x input_px x
// input_px x 3 uint8 RGB in one file), as `onnx_path`.
using MakeInt8 = std::function<void(const std::string& folder, const std::string& pictures_path,
                                    const std::string& onnx_path)>;

struct QuantizeResult {
  encoder::EncoderInfo info;
  int64_t calibration_patches = 0;
  int64_t held_out_patches = 0;
  double cosine_mean = 0, cosine_least = 0;  // of held-out patches' features, int8 to f32
  // Of held-out labelled patches: a classifier on each encoder's own features, trained on one
  // half, judged on the other, both ways, mean. Only the difference means something: slides are
  // not kept apart.
  std::optional<double> auc_f32, auc_int8;
  double speedup = 0;  // patches/s of int8 to those of f32, one after another on these patches
};

// Patches are drawn from all plans by seed; those that calibrate are not those that judge.
// Error kInvalidArgument: fewer than 32 patches for either; an int8 encoder; `out` exists.
// kMismatch: the loss is above what is allowed and accept_any_loss is not set (nothing is
// written). As load_encoder's and encode_patches'.
QuantizeResult quantize_encoder(const QuantizeOptions& options, const MakeInt8& make_int8,
                                const Context& context);

nlohmann::json to_json(const QuantizeResult& result);

}  // namespace lamella::verbs
