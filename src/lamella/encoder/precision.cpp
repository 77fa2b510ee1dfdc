// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

namespace {

const std::vector<std::string> kNames = {"auto", "f32", "bf16"};

// Without the matrix unit, bf16 costs its conversions and gains little: measured, lite0 takes half
// as long again as in f32.
bool processor_multiplies_bf16_matrices() {
#if defined(__x86_64__)
  constexpr unsigned kExtendedFeatures = 7;
  constexpr unsigned kAmxBf16 = 1u << 22;  // in edx
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(kExtendedFeatures, 0, &eax, &ebx, &ecx, &edx)) return false;
  return (edx & kAmxBf16) != 0;
#else
  return false;
#endif
}

}  // namespace

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

Precision resolve_precision(Precision asked) {
  if (asked == Precision::kF32) return asked;
  const bool has = processor_has_bf16();
  if (asked == Precision::kAuto) {
    return has && processor_multiplies_bf16_matrices() ? Precision::kBf16 : Precision::kF32;
  }
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
