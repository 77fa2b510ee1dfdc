// SPDX-License-Identifier: Apache-2.0
// Field numbers are those of onnx.proto3.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "lamella/base/error.h"
#include "lamella/base/protobuf.h"
#include "lamella/base/text.h"
#include "lamella/encoder/onnx_weights_internal.h"
#include "lamella/io/byte_source.h"
#include "lamella/io/files.h"

namespace lamella::encoder {

namespace {

constexpr int kMaxDepth = 64;  // graphs within graphs
// Protocol buffers' own limit.
constexpr uint64_t kMaxOnnxBytes = (uint64_t{1} << 31) - 1;

// TensorProto
constexpr int kRawData = 9, kExternalData = 13, kDataLocation = 14;
constexpr uint64_t kExternal = 1;

// Where a tensor's values lie.
struct Place {
  std::string file;  // as it stands in the network
  uint64_t offset = 0;
  std::optional<uint64_t> length = {};  // to the file's end
};

enum class Message { kModel, kGraph, kNode, kAttribute, kTensor, kSparse, kFunction };

// The message that a field holds, if tensors may be within it.
std::optional<Message> message_of(Message parent, int field) {
  switch (parent) {
    case Message::kModel:
      if (field == 7) return Message::kGraph;
      if (field == 25) return Message::kFunction;
      break;
    case Message::kGraph:
      if (field == 1) return Message::kNode;
      if (field == 5) return Message::kTensor;
      if (field == 15) return Message::kSparse;
      break;
    case Message::kNode:
      if (field == 5) return Message::kAttribute;
      break;
    case Message::kAttribute:
      if (field == 5 || field == 10) return Message::kTensor;
      if (field == 6 || field == 11) return Message::kGraph;
      if (field == 22 || field == 23) return Message::kSparse;
      break;
    case Message::kSparse:
      if (field == 1 || field == 2) return Message::kTensor;
      break;
    case Message::kFunction:
      if (field == 7) return Message::kNode;
      if (field == 11) return Message::kAttribute;
      break;
    case Message::kTensor:
      break;
  }
  return {};
}

[[noreturn]] void throw_corrupt(const std::string& message) {
  throw Error(ErrorCode::kCorrupt, message);
}

uint64_t whole_number(const std::string& key, const std::string& text) {
  const auto value = parse_int(text);
  if (!value || *value < 0) {
    throw_corrupt(
        fmt::format("a tensor's {} in another file: found '{:.40}', expected a whole "
                    "number of bytes",
                    key, text));
  }
  return static_cast<uint64_t>(*value);
}

std::optional<Place> place_of(const std::vector<ProtoField>& tensor) {
  Place place;
  bool external = false;
  for (const ProtoField& field : tensor) {
    if (field.number == kDataLocation && field.type == 0) external = field.value == kExternal;
    if (field.number != kExternalData || field.type != 2) continue;
    std::string key, value;
    for (const ProtoField& part : read_fields(field.bytes)) {
      if (part.number == 1) key = part.bytes;
      if (part.number == 2) value = part.bytes;
    }
    if (key == "location") place.file = value;
    if (key == "offset") place.offset = whole_number(key, value);
    if (key == "length") place.length = whole_number(key, value);
  }
  return external ? std::optional(place) : std::nullopt;
}

// Rewrites the messages that hold such tensors; `fetch` gives the values of one.
class Merger {
 public:
  using Fetch = std::function<std::string(const Place&)>;
  explicit Merger(Fetch fetch) : fetch_(std::move(fetch)) {}

  // nullopt: nothing to be changed.
  std::optional<std::string> merged(Message kind, std::string_view message, int depth = 0) {
    if (depth > kMaxDepth) throw_corrupt("found graphs nested too deeply, expected a network");
    const std::vector<ProtoField> fields = read_fields(message);
    if (kind == Message::kTensor) return merged_tensor(fields);
    std::map<size_t, std::string> changed;
    for (size_t i = 0; i < fields.size(); ++i) {
      const auto child = message_of(kind, fields[i].number);
      if (!child || fields[i].type != 2) continue;
      if (auto text = merged(*child, fields[i].bytes, depth + 1)) changed[i] = std::move(*text);
    }
    if (changed.empty()) return {};
    ProtoWriter writer;
    for (size_t i = 0; i < fields.size(); ++i) {
      const auto text = changed.find(i);
      if (text == changed.end()) {
        writer.raw(fields[i].encoded);
      } else {
        writer.bytes(fields[i].number, text->second);
        text->second = {};
      }
    }
    return writer.take();
  }

 private:
  std::optional<std::string> merged_tensor(const std::vector<ProtoField>& fields) {
    const auto place = place_of(fields);
    if (!place) return {};
    const std::string values = fetch_(*place);
    ProtoWriter writer;
    for (const ProtoField& field : fields) {
      const bool replaced = field.number == kRawData || field.number == kExternalData ||
                            field.number == kDataLocation;
      if (!replaced) writer.raw(field.encoded);
    }
    writer.bytes(kRawData, values);
    return writer.take();
  }

  Fetch fetch_;
};

// Files beside a network, each opened once.
class Neighbours {
 public:
  explicit Neighbours(const std::string& path) : path_(path) {}

  std::string read(const Place& place) {
    const auto source = open(place.file);
    const auto size = static_cast<uint64_t>(source->size());
    const uint64_t length = place.length.value_or(size - std::min(size, place.offset));
    if (place.offset > size || length > size - place.offset) {
      throw_corrupt(
          fmt::format("a tensor lies at bytes {} to {} of '{}', which has {}; restore "
                      "the file that belongs to this network",
                      place.offset, place.offset + length, place.file, size));
    }
    total_ += length;
    if (total_ > kMaxOnnxBytes) {
      throw Error(ErrorCode::kLimit,
                  "with its weights the network is larger than 2 GiB, which no single ONNX file "
                  "can hold; export it with float16 weights");
    }
    std::string values(length, '\0');
    source->read_at(static_cast<int64_t>(place.offset), std::as_writable_bytes(std::span(values)));
    return values;
  }

 private:
  std::shared_ptr<const io::ByteSource> open(const std::string& name) {
    namespace fs = std::filesystem;
    const fs::path file(name);
    bool inside = !name.empty() && file.is_relative();
    for (const fs::path& part : file) inside = inside && part != "..";
    if (!inside) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("weights lie in '{}', expected a file in the network's folder", name));
    }
    auto& source = open_[name];
    if (!source) source = io::open_file(io::resolve(io::parent_folder(path_), name));
    return source;
  }

  const std::string& path_;
  std::map<std::string, std::shared_ptr<const io::ByteSource>> open_;
  uint64_t total_ = 0;
};

std::optional<std::string> merge(const std::string& bytes, const std::string& path,
                                 const Merger::Fetch& fetch) {
  try {
    return Merger(fetch).merged(Message::kModel, bytes);
  } catch (const Error& error) {
    // A neighbour's own error names the neighbour.
    throw Error(error.code(), error.message(), error.path().empty() ? path : error.path());
  }
}

}  // namespace

std::string with_all_weights(std::string bytes, const std::string& path) {
  Neighbours neighbours(path);
  auto whole = merge(bytes, path, [&](const Place& place) { return neighbours.read(place); });
  if (!whole) return bytes;
  if (whole->size() > kMaxOnnxBytes) {
    throw Error(ErrorCode::kLimit,
                "with its weights the network is larger than 2 GiB, which no single ONNX file can "
                "hold; export it with float16 weights",
                path);
  }
  return *std::move(whole);
}

void require_all_weights(const std::string& bytes, const std::string& path) {
  merge(bytes, path, [](const Place& place) -> std::string {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("weights lie in another file, '{}', which encoder.json's sha256 does "
                            "not cover; import the network again with lamella encoder import",
                            place.file));
  });
}

}  // namespace lamella::encoder
