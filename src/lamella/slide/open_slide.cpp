// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

namespace {

// Asked in this order; OpenSlide, which knows most formats, comes last.
constexpr std::array<const Format*, 2> kOwnFormats = {&kAperioFormat, &kTiffFormat};

bool plausible(const Mpp& mpp) {
  return std::min(mpp.x, mpp.y) >= kMinPlausibleMpp && std::max(mpp.x, mpp.y) <= kMaxPlausibleMpp;
}

// Fills in candidate.tiff.
std::shared_ptr<const Slide> open_own(Candidate& candidate) {
  if (is_tiff(*candidate.source)) candidate.tiff = read_tiff_file(candidate.source);
  for (const Format* format : kOwnFormats) {
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

[[noreturn]] void throw_unknown(const Candidate& candidate, bool openslide_asked) {
  const std::string found = candidate.tiff ? "a TIFF of a vendor that lamella leaves to OpenSlide"
                                           : first_bytes(*candidate.source);
  throw Error(ErrorCode::kUnsupported,
              fmt::format("is no slide that can be read: found {}; expected Aperio SVS or TIFF, or "
                          "a format that OpenSlide knows ({})",
                          found, openslide_asked ? openslide_version() : "not asked"),
              candidate.path());
}

// What our own reader could not: a valid file that uses something else is OpenSlide's in any case,
// damage only if the file is of a format that we do not read ourselves (an NDPI beyond 4 GiB is no
// sound TIFF, say).
std::shared_ptr<const Slide> open_after(const Error& error, const Candidate& candidate) {
  const std::optional<std::string> vendor = openslide_vendor(candidate.path());
  const bool ours = !vendor || *vendor == "aperio" || *vendor == "generic-tiff";
  if (!vendor || (ours && error.code() != ErrorCode::kUnsupported)) throw error;
  const std::string version = openslide_library().library->get_version();
  if (*vendor == "generic-tiff" && version.starts_with("3.")) {
    throw Error(error.code(),
                fmt::format("{}; OpenSlide 4 might read it (found {}, which shows levels smaller "
                            "than a tile of such files wrongly and is therefore not asked)",
                            error.message(), version),
                candidate.path());
  }
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

void settle_mpp(SlideInfo& info, std::optional<double> user, std::optional<Mpp> vendor,
                std::optional<Mpp> resolution) {
  if (user) {
    info.mpp = Mpp{*user, *user};
    info.mpp_source = MppSource::kUser;
  } else if (vendor && plausible(*vendor)) {
    info.mpp = vendor;
    info.mpp_source = MppSource::kVendor;
  } else if (resolution && plausible(*resolution)) {
    info.mpp = resolution;
    info.mpp_source = MppSource::kResolutionTags;
  }
}

std::shared_ptr<const Slide> open_own_format(std::shared_ptr<const io::ByteSource> source,
                                             std::optional<double> mpp) {
  Candidate candidate{std::move(source), nullptr, mpp};
  return open_own(candidate);
}

std::shared_ptr<const Slide> open_slide(const std::string& path, const OpenOptions& options) {
  if (options.mpp && !plausible({*options.mpp, *options.mpp})) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("an mpp of {} was given; expected µm per pixel at level 0, from {} to {}",
                    *options.mpp, kMinPlausibleMpp, kMaxPlausibleMpp),
        path);
  }
  using Backend = OpenOptions::Backend;
  Candidate candidate{io::open_file(path), nullptr, options.mpp};
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
