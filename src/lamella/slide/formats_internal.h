// SPDX-License-Identifier: Apache-2.0
// The formats lamella reads, one record each, asked in the order of the table in open_slide.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lamella/io/byte_source.h"
#include "lamella/slide/slide.h"
#include "lamella/slide/tiff_file_internal.h"

namespace lamella::slide {

// A file that some format may know. Values only; formats copy what they keep.
struct Candidate {
  std::shared_ptr<const io::ByteSource> source;
  std::shared_ptr<const TiffFile> tiff;  // null if the file is not a TIFF
  std::optional<double> mpp;             // the caller's
  const std::string& path() const { return source->name(); }
};

struct Format {
  std::string_view name;
  bool (*detect)(const Candidate& candidate);
  // Errors as open_slide.
  std::shared_ptr<const Slide> (*open)(const Candidate& candidate);
};

extern const Format kAperioFormat;     // format_aperio.cpp
extern const Format kTiffFormat;       // format_tiff.cpp
extern const Format kOpenSlideFormat;  // format_openslide.cpp

// By the formats that lamella reads itself; null if none of them knows the file. Errors as
// open_slide.
std::shared_ptr<const Slide> open_own_format(std::shared_ptr<const io::ByteSource> source,
                                             std::optional<double> mpp);

// OpenSlide's word for the file's format; nullopt if it knows none or is not installed.
std::optional<std::string> openslide_vendor(const std::string& path);

// The user's value, else the format's own if plausible, else the resolution tags'.
void settle_mpp(SlideInfo& info, std::optional<double> user, std::optional<Mpp> vendor,
                std::optional<Mpp> resolution);

}  // namespace lamella::slide
