// SPDX-License-Identifier: Apache-2.0
// What fine-tuning is told. The work itself is done by the Python package (lamella.finetuning),
// with PyTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"

namespace lamella::verbs {

struct FinetuneOptions {
  // The network.
  std::string network;  // "": the study's encoder; an encoder, timm:NAME or FILE.py:NAME
  std::string weights;  // file of a module's state, "" for its own
  std::optional<int> input_px;
  std::vector<double> mean = {123.675, 116.28, 103.53}, std = {58.395, 57.12, 57.375};
  // Which of its weights.
  std::string method = "whole";
  int blocks = 2;
  int lora_rank = 8;
  double lora_scale = 1;
  // How they are learnt.
  int epochs = 10;
  int head_epochs = 1;
  int batch_size = 32;
  int device_batch = 0;
  double learning_rate = 1e-4, head_learning_rate = 1e-3;
  double weight_decay = 0.01;
  std::string class_weights = "balanced";
  std::string precision = "auto";
  std::optional<int64_t> patches_per_epoch;
  // How patches are varied.
  double stain = 0.1;
  bool geometry = true;
  // When it ends.
  double held_out = 0.2;
  int patience = 3;
  // The rest.
  uint64_t seed = 1;
  double checkpoint_seconds = 60;
  int read_ahead_mb = 256;
  int wrong_patches = 24;
  std::string out;  // folder of the encoder that is made, "": in the study's output
  static const OptionTable<FinetuneOptions>& table();

  // Relative paths among network, weights and out become paths in `folder`.
  void resolve(const std::string& folder);
};

// "finetune.NAME=VALUE" of the options that were given, as overrides of a study; relative paths are
// relative to the process's folder.
std::vector<std::string> finetune_overrides(
    FinetuneOptions options, const std::function<bool(const std::string& name)>& given);

}  // namespace lamella::verbs
