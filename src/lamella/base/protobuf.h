// SPDX-License-Identifier: Apache-2.0
// Protocol buffers' wire format, as far as ONNX files need it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lamella {

struct ProtoField {
  int number = 0;
  int type = 0;              // wire type: 0 number, 1 eight bytes, 2 bytes, 5 four bytes
  uint64_t value = 0;        // of type 0
  std::string_view bytes;    // of type 2
  std::string_view encoded;  // the whole field, tag and all
};

// The fields of a message, in order; they look into `message`. Error kCorrupt.
std::vector<ProtoField> read_fields(std::string_view message);

class ProtoWriter {
 public:
  void number(int field, uint64_t value);
  void bytes(int field, std::string_view value);
  void raw(std::string_view encoded) { text_ += encoded; }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void varint(uint64_t value);
  std::string text_;
};

}  // namespace lamella
