// SPDX-License-Identifier: Apache-2.0
// From a folder's network.onnx to a compiled network that takes patches as they are.
#pragma once

#include <exception>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>
#include <string>
#include <vector>

#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

struct Network {
  ov::CompiledModel compiled;  // input: batch x input_px x input_px x 3 uint8 RGB
  int64_t batch = 0;
  std::vector<int64_t> widths;  // of the info's outputs, in their order
};

// Precision: kF32 or kBf16. Errors as load_encoder's.
Network load_network(ov::Core& core, const EncoderInfo& info, Precision precision, int streams);

// What the engine said, without its file names and conditions, at most a few hundred characters.
std::string engine_message(const std::exception& error);

}  // namespace lamella::encoder
