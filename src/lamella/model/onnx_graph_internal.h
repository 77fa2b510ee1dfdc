// SPDX-License-Identifier: Apache-2.0
// The pieces of an ONNX graph that lamella adds around an encoder's network. Field numbers are
// those of onnx.proto3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/protobuf.h"

namespace lamella::model {

enum class OnnxType { kFloat = 1, kUint8 = 2, kInt64 = 7, kDouble = 11 };

// A node of the graph, encoded. Attributes: one integer, or a list of them, or a text.
struct OnnxAttribute {
  std::string name;
  std::vector<int64_t> ints;
  bool is_list = false;
  std::string text;
};
std::string onnx_node(const std::string& op, const std::vector<std::string>& inputs,
                      const std::string& output, const std::vector<OnnxAttribute>& attributes = {});

// A constant of the graph (TensorProto), row-major, little-endian.
std::string onnx_tensor(const std::string& name, OnnxType type, const std::vector<int64_t>& dims,
                        std::span<const std::byte> values);

// A ValueInfoProto; a dimension of -1 is the free "N".
std::string onnx_value(const std::string& name, OnnxType type, const std::vector<int64_t>& dims);

}  // namespace lamella::model
