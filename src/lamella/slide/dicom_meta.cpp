// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>
#include <vector>

#include "lamella/slide/dicom_meta_internal.h"

namespace lamella::slide {

namespace {

struct Named {
  std::string_view uid;
  const char* name;
};

constexpr Named kClasses[] = {
    {"1.2.840.10008.5.1.4.1.1.77.1.6", "whole slide microscopy"},
    {"1.2.840.10008.5.1.4.1.1.77.1.2", "microscopy"},
    {"1.2.840.10008.5.1.4.1.1.77.1.3", "slide-coordinates microscopy"},
    {"1.2.840.10008.5.1.4.1.1.2", "CT image"},
    {"1.2.840.10008.5.1.4.1.1.4", "MR image"},
    {"1.2.840.10008.5.1.4.1.1.7", "secondary capture"},
    {"1.2.840.10008.5.1.4.1.1.6.1", "ultrasound image"},
    {"1.2.840.10008.5.1.4.1.1.128", "PET image"},
    {"1.2.840.10008.5.1.4.1.1.66.4", "segmentation"},
    {"1.2.840.10008.1.3.10", "DICOMDIR"},
};

constexpr Named kSyntaxes[] = {
    {"1.2.840.10008.1.2", "implicit little endian"},
    {"1.2.840.10008.1.2.1", "explicit little endian"},
    {"1.2.840.10008.1.2.2", "explicit big endian"},
    {"1.2.840.10008.1.2.1.99", "deflated"},
    {"1.2.840.10008.1.2.4.50", "JPEG baseline"},
    {"1.2.840.10008.1.2.4.51", "JPEG extended"},
    {"1.2.840.10008.1.2.4.57", "JPEG lossless"},
    {"1.2.840.10008.1.2.4.70", "JPEG lossless"},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS lossless"},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless"},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless"},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000"},
    {"1.2.840.10008.1.2.5", "RLE"},
};

template <size_t Count>
std::string name_of(const Named (&table)[Count], const std::string& uid, const char* kind) {
  const auto* found = std::ranges::find(table, std::string_view(uid), &Named::uid);
  if (found != std::end(table)) return found->name;
  return std::string(kind) + " " + (uid.empty() ? "unknown" : uid);
}

// The elements of group 2 are in explicit little endian: tag (4), type (2), length (2, or 2 + 4).
std::string meta_value(const std::vector<std::byte>& bytes, uint16_t wanted) {
  const auto number = [&](size_t at) {
    return std::to_integer<size_t>(bytes[at]) | std::to_integer<size_t>(bytes[at + 1]) << 8;
  };
  for (size_t at = 132; at + 12 <= bytes.size() && number(at) == 2;) {
    const std::string type = {static_cast<char>(bytes[at + 4]), static_cast<char>(bytes[at + 5])};
    const bool wide = type == "OB" || type == "UN" || type == "OW" || type == "SQ" || type == "UT";
    const size_t start = at + (wide ? 12 : 8);
    const size_t length = wide ? number(at + 8) | number(at + 10) << 16 : number(at + 6);
    if (length > bytes.size() - std::min(start, bytes.size())) break;
    if (number(at + 2) == wanted) {
      std::string value(reinterpret_cast<const char*>(bytes.data() + start), length);
      while (!value.empty() && (value.back() == '\0' || value.back() == ' ')) value.pop_back();
      return value;
    }
    at = start + length;
  }
  return {};
}

}  // namespace

std::optional<std::string> describe_dicom(const io::ByteSource& source) {
  constexpr int64_t kMagicAt = 128, kMost = 4096;
  constexpr uint16_t kSopClass = 0x0002, kTransferSyntax = 0x0010;
  if (source.size() < kMagicAt + 4) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<size_t>(std::min(source.size(), kMost)));
  source.read_at(0, bytes);
  if (std::memcmp(bytes.data() + kMagicAt, "DICM", 4) != 0) return std::nullopt;
  return fmt::format("a DICOM file ({}, {})",
                     name_of(kClasses, meta_value(bytes, kSopClass), "SOP class"),
                     name_of(kSyntaxes, meta_value(bytes, kTransferSyntax), "transfer syntax"));
}

}  // namespace lamella::slide
