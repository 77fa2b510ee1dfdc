// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/protobuf.h"

#include "lamella/base/error.h"

namespace lamella {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  size_t at() const { return at_; }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    throw Error(ErrorCode::kCorrupt, "found a number that does not end, expected an ONNX file");
  }

  std::string_view take(uint64_t count) {
    if (count > text_.size() - at_) {
      throw Error(ErrorCode::kCorrupt, "ended within a field, expected an ONNX file");
    }
    const std::string_view part = text_.substr(at_, count);
    at_ += count;
    return part;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<ProtoField> read_fields(std::string_view message) {
  std::vector<ProtoField> fields;
  Reader reader(message);
  while (!reader.done()) {
    const size_t start = reader.at();
    const uint64_t tag = reader.varint();
    ProtoField field;
    field.number = static_cast<int>(tag >> 3);
    field.type = static_cast<int>(tag & 7);
    switch (field.type) {
      case 0:
        field.value = reader.varint();
        break;
      case 1:
        reader.take(8);
        break;
      case 2:
        field.bytes = reader.take(reader.varint());
        break;
      case 5:
        reader.take(4);
        break;
      default:
        throw Error(ErrorCode::kCorrupt, "found a field of no known kind, expected an ONNX file");
    }
    field.encoded = message.substr(start, reader.at() - start);
    fields.push_back(field);
  }
  return fields;
}

void ProtoWriter::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) text_ += static_cast<char>((value & 0x7f) | 0x80);
  text_ += static_cast<char>(value);
}

void ProtoWriter::number(int field, uint64_t value) {
  varint(static_cast<uint64_t>(field) << 3);
  varint(value);
}

void ProtoWriter::bytes(int field, std::string_view value) {
  varint(static_cast<uint64_t>(field) << 3 | 2);
  varint(value.size());
  text_ += value;
}

}  // namespace lamella
