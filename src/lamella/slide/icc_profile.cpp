// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "lamella/base/hash.h"
#include "lamella/base/text.h"
#include "lamella/slide/icc_profile_internal.h"

namespace lamella::slide {

namespace {

constexpr size_t kHeader = 128, kEntry = 12;

// Big-endian, 0 beyond the end.
uint32_t number(std::span<const uint8_t> bytes, size_t at) {
  if (at > bytes.size() || bytes.size() - at < 4) return 0;
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 |
         uint32_t{bytes[at + 3]};
}

// Printable ASCII of every `step`-th byte.
std::string text_at(std::span<const uint8_t> bytes, size_t at, size_t count, size_t step) {
  std::string text;
  for (size_t i = at; i < at + std::min<size_t>(count, 200) && i < bytes.size(); i += step) {
    if (bytes[i] >= 32 && bytes[i] < 127) text.push_back(static_cast<char>(bytes[i]));
  }
  return std::string(trim(text));
}

// The tag 'desc': as text (version 2), or in the first of its languages, as UTF-16 (version 4).
std::string description(std::span<const uint8_t> bytes) {
  constexpr uint32_t kDesc = 0x64657363, kMluc = 0x6d6c7563;
  const uint32_t tags = std::min<uint32_t>(number(bytes, kHeader), 100);
  for (uint32_t i = 0; i < tags; ++i) {
    const size_t entry = kHeader + 4 + i * kEntry;
    if (number(bytes, entry) != kDesc) continue;
    const size_t at = number(bytes, entry + 4);
    if (number(bytes, at) == kDesc) return text_at(bytes, at + 12, number(bytes, at + 8), 1);
    if (number(bytes, at) != kMluc) return {};
    return text_at(bytes, at + number(bytes, at + 24) + 1, number(bytes, at + 20), 2);
  }
  return {};
}

}  // namespace

std::optional<ColourProfile> describe_icc(std::span<const uint8_t> profile) {
  if (profile.empty()) return std::nullopt;
  return ColourProfile{description(profile),
                       sha256_hex({reinterpret_cast<const char*>(profile.data()), profile.size()})};
}

}  // namespace lamella::slide
