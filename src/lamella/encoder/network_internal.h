// SPDX-License-Identifier: Apache-2.0
// From a folder's network.onnx to a compiled network that takes patches as they are.
#pragma once

#include <exception>
#include <memory>
#include <numeric>
#include <openvino/runtime/compiled_model.hpp>
#include <openvino/runtime/core.hpp>
#include <string>
#include <vector>

#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

struct Network {
  // Input: batch x input_px x input_px x 3 uint8 RGB. Outputs: the info's, pooled, in their order.
  ov::CompiledModel compiled;
  int64_t batch = 0;
  std::vector<int64_t> widths;  // of these outputs

  // Numbers that one picture gives.
  int64_t width() const { return std::accumulate(widths.begin(), widths.end(), int64_t{0}); }
};

// What a network takes and gives, before it is compiled.
struct Input {
  int64_t batch = 0;           // its own if it is fixed
  bool channels_last = false;  // [N,h,w,3] rather than [N,3,h,w]
};
struct PreparedNetwork {
  std::shared_ptr<ov::Model> model;  // as in the file, but for fixed shapes and pooled outputs
  Input input;
  std::vector<int64_t> widths;
};

// Error kCorrupt, naming `path`, if the engine cannot read it.
std::shared_ptr<ov::Model> read_network(ov::Core& core, const std::string& bytes,
                                        const std::string& path);
// Errors as load_encoder's, but the info's dimension is not looked at.
PreparedNetwork prepare_network(const std::shared_ptr<ov::Model>& model, const EncoderInfo& info);

// Precision: not kAuto. Errors as load_encoder's.
Network load_network(ov::Core& core, const EncoderInfo& info, Precision precision, int streams);

// What the engine said, without its file names and conditions, at most a few hundred characters.
std::string engine_message(const std::exception& error);

}  // namespace lamella::encoder
