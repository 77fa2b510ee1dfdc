// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lamella/base/error.h"
#include "lamella/base/text.h"
#include "lamella/io/address.h"
#include "lamella/slide/dicom_meta_internal.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

// Fills in candidate.tiff.
std::shared_ptr<const Slide> open_own(Candidate& candidate) {
  if (is_tiff(*candidate.source)) candidate.tiff = read_tiff_file(candidate.source);
  for (const Format* format : own_formats()) {
    if (format->detect(candidate)) return format->open(candidate);
  }
  return nullptr;
}

std::string first_bytes(const io::ByteSource& source) {
  std::array<uint8_t, 4> bytes{};
  const auto count = static_cast<size_t>(std::min<int64_t>(4, source.size()));
  source.read_at(0, std::as_writable_bytes(std::span(bytes).first(count)));
  if (count == 0) return "an empty file";
  std::string text = "a file that starts with the bytes";
  for (size_t i = 0; i < count; ++i) text += fmt::format(" {:02x}", bytes[i]);
  return text;
}

std::string describe(const Candidate& candidate) {
  if (candidate.tiff) return "a TIFF of a vendor that lamella leaves to OpenSlide";
  return describe_dicom(*candidate.source).value_or(first_bytes(*candidate.source));
}

[[noreturn]] void throw_unknown(const Candidate& candidate, bool openslide_asked) {
  std::vector<std::string> own;
  for (const Format* format : own_formats()) own.push_back(format->name);
  throw Error(ErrorCode::kUnsupported,
              fmt::format("is no slide that can be read: found {}; expected {}, or a format that "
                          "OpenSlide knows ({})",
                          describe(candidate), join(own, " or "),
                          openslide_asked ? openslide_version() : "not asked"),
              candidate.path());
}

// By our own reader, where the object lies. Null: what OpenSlide may read.
std::shared_ptr<const Slide> open_remote(Candidate& candidate, const OpenOptions& options) {
  if (options.backend == OpenOptions::Backend::kOpenSlide) return nullptr;
  return open_own(candidate);
}

[[noreturn]] void throw_files_alone(const Candidate& candidate, const OpenOptions& options) {
  const bool asked = options.backend == OpenOptions::Backend::kOpenSlide;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("{}; of slides in stores only TIFF, BigTIFF and Aperio SVS are read where "
                  "they lie: give `fetch_to` a folder for a copy, which OpenSlide may know",
                  asked ? "OpenSlide was asked for, which reads files alone"
                        : "found " + describe(candidate)),
      candidate.path());
}

// In a store; a copy of it where that is needed and allowed.
std::shared_ptr<const Slide> open_address(const std::string& address, const OpenOptions& options) {
  try {
    Candidate candidate{io::open_source(address), nullptr, options.mpp, options.image};
    if (auto slide = open_remote(candidate, options)) return slide;
    if (options.fetch_to.empty()) throw_files_alone(candidate, options);
  } catch (const Error& error) {
    if (options.fetch_to.empty() || error.code() != ErrorCode::kUnsupported) throw;
  }
  return open_copy(address, options);
}

// What our own reader could not is OpenSlide's only if the file is of a format that we do not read
// ourselves (an NDPI beyond 4 GiB is no sound TIFF, say). Of plain TIFFs OpenSlide shows more than
// we do, but wrongly: 16 bits, extra samples, edge tiles.
std::shared_ptr<const Slide> open_after(const Error& error, const Candidate& candidate) {
  const std::optional<std::string> vendor = openslide_vendor(candidate.path());
  if (!vendor || *vendor == "aperio" || *vendor == "generic-tiff") throw error;
  try {
    return kOpenSlideFormat.open(candidate);
  } catch (const Error& other) {
    throw Error(
        error.code(),
        fmt::format("{}; OpenSlide cannot read it either: {}", error.message(), other.message()),
        candidate.path());
  }
}

}  // namespace

std::shared_ptr<const Slide> open_own_format(std::shared_ptr<const io::ByteSource> source,
                                             const OpenOptions& options) {
  Candidate candidate{std::move(source), nullptr, options.mpp, options.image};
  return open_own(candidate);
}

std::shared_ptr<const Slide> open_slide(const std::string& path, const OpenOptions& options) {
  using Backend = OpenOptions::Backend;
  if (io::is_address(path)) return open_address(path, options);
  Candidate candidate{io::open_file(path), nullptr, options.mpp, options.image};
  if (options.backend == Backend::kOpenSlide) return kOpenSlideFormat.open(candidate);
  try {
    if (auto slide = open_own(candidate)) return slide;
  } catch (const Error& error) {
    if (options.backend == Backend::kLamella) throw;
    return open_after(error, candidate);
  }
  const bool ask = options.backend == Backend::kAuto;
  if (ask && kOpenSlideFormat.detect(candidate)) return kOpenSlideFormat.open(candidate);
  throw_unknown(candidate, ask);
}

}  // namespace lamella::slide
