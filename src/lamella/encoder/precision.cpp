// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

namespace {

const std::vector<std::string> kNames = {"auto", "f32", "bf16", "int8"};

}  // namespace

std::vector<std::pair<std::string, Precision>> precision_choices() {
  std::vector<std::pair<std::string, Precision>> choices;
  for (size_t i = 0; i < kNames.size(); ++i) {
    choices.emplace_back(kNames[i], static_cast<Precision>(i));
  }
  return choices;
}

std::string_view to_string(Precision precision) {
  return kNames.at(static_cast<size_t>(precision));
}

Precision parse_precision(const std::string& text) {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the precision '{}'{}, expected one of {}", text,
                            did_you_mean(text, kNames), join(kNames, ", ")));
  }
  return static_cast<Precision>(found - kNames.begin());
}

bool processor_has_bf16() {
  static const bool has = [] {
    ov::Core core;
    const auto names = core.get_property("CPU", ov::device::capabilities);
    return std::find(names.begin(), names.end(), ov::device::capability::BF16) != names.end();
  }();
  return has;
}

Precision resolve_precision(Precision asked, const EncoderInfo& info) {
  if (info.int8) {
    if (asked == Precision::kAuto || asked == Precision::kInt8) return Precision::kInt8;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the encoder '{}', whose network is int8, expected one that can "
                            "be run in {}; use precision auto, or the encoder it was made from",
                            info.name, to_string(asked)),
                info.folder);
  }
  if (asked == Precision::kInt8) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found the encoder '{}', whose network is not int8; make one with "
                            "'lamella encoder quantize {}' and use its name",
                            info.name, info.name),
                info.folder);
  }
  if (asked == Precision::kF32) return asked;
  const bool has = processor_has_bf16();
  if (asked == Precision::kAuto) return has ? Precision::kBf16 : Precision::kF32;
  if (!has) {
    throw Error(ErrorCode::kUnsupported,
                "found a processor without bf16 arithmetic, expected one with it (AVX-512 BF16 or "
                "AMX); use precision f32 or auto");
  }
  return asked;
}

std::string inference_engine_version() {
  return fmt::format("openvino {}", ov::get_openvino_version().buildNumber);
}

}  // namespace lamella::encoder
