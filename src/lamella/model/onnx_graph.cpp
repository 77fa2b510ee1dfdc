// SPDX-License-Identifier: Apache-2.0
#include "lamella/model/onnx_graph_internal.h"

namespace lamella::model {

namespace {

// AttributeProto.type
constexpr uint64_t kInt = 2;
constexpr uint64_t kString = 3;
constexpr uint64_t kInts = 7;

std::string attribute_bytes(const OnnxAttribute& attribute) {
  ProtoWriter writer;
  writer.bytes(1, attribute.name);
  if (!attribute.text.empty()) {
    writer.bytes(4, attribute.text);
    writer.number(20, kString);
  } else if (attribute.is_list) {
    for (const int64_t value : attribute.ints) writer.number(8, static_cast<uint64_t>(value));
    writer.number(20, kInts);
  } else {
    writer.number(3, static_cast<uint64_t>(attribute.ints.front()));
    writer.number(20, kInt);
  }
  return writer.take();
}

}  // namespace

std::string onnx_node(const std::string& op, const std::vector<std::string>& inputs,
                      const std::string& output, const std::vector<OnnxAttribute>& attributes) {
  ProtoWriter writer;
  for (const std::string& input : inputs) writer.bytes(1, input);
  writer.bytes(2, output);
  writer.bytes(3, output);
  writer.bytes(4, op);
  for (const OnnxAttribute& attribute : attributes) writer.bytes(5, attribute_bytes(attribute));
  return writer.take();
}

std::string onnx_tensor(const std::string& name, OnnxType type, const std::vector<int64_t>& dims,
                        std::span<const std::byte> values) {
  ProtoWriter writer;
  for (const int64_t dim : dims) writer.number(1, static_cast<uint64_t>(dim));
  writer.number(2, static_cast<uint64_t>(type));
  writer.bytes(8, name);
  writer.bytes(9, {reinterpret_cast<const char*>(values.data()), values.size()});
  return writer.take();
}

std::string onnx_value(const std::string& name, OnnxType type, const std::vector<int64_t>& dims) {
  ProtoWriter shape;
  for (const int64_t dim : dims) {
    ProtoWriter one;
    if (dim < 0) {
      one.bytes(2, "N");
    } else {
      one.number(1, static_cast<uint64_t>(dim));
    }
    shape.bytes(1, one.text());
  }
  ProtoWriter tensor, kind, value;
  tensor.number(1, static_cast<uint64_t>(type));
  tensor.bytes(2, shape.text());
  kind.bytes(1, tensor.text());
  value.bytes(1, name);
  value.bytes(2, kind.text());
  return value.take();
}

}  // namespace lamella::model
