// SPDX-License-Identifier: Apache-2.0
// The formats lamella reads, one record each: a new one is a file and its lines in
// format_table.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
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
  std::string image;                     // the caller's, "" for none
  const std::string& path() const { return source->name(); }
};

struct Format {
  const char* name;   // for people: "Aperio"
  const char* files;  // usual endings: ".svs"
  bool (*detect)(const Candidate& candidate);
  // Errors as open_slide.
  std::shared_ptr<const Slide> (*open)(const Candidate& candidate);
};

// Those that lamella reads itself, in the order in which they are asked.
std::span<const Format* const> own_formats();
// Which knows most formats, and is asked last.
extern const Format kOpenSlideFormat;  // format_openslide.cpp

// By the formats that lamella reads itself; null if none of them knows the file. Errors as
// open_slide.
std::shared_ptr<const Slide> open_own_format(std::shared_ptr<const io::ByteSource> source,
                                             const OpenOptions& options);

// A copy of an object (OpenOptions::fetch_to) that shows itself as the object does: its address and
// its fingerprint. The copy goes with the slide. Errors as open_slide and io::fetch_copy.
std::shared_ptr<const Slide> open_copy(const std::string& address, const OpenOptions& options);

// OpenSlide's word for the file's format; nullopt if it knows none or is not installed.
std::optional<std::string> openslide_vendor(const std::string& path);

// Where a slide's mpp can be read; each may be absent or implausible.
struct MppSources {
  std::optional<double> user;
  std::optional<Mpp> vendor, resolution;
};

// The user's value, else the format's own if plausible, else the resolution tags'. Warns where two
// differ by more than 5 % (the file's own: 10 %). Error kInvalidArgument, with info.path, if the
// user's is implausible or 8 times the file's or more, up or down.
void settle_mpp(SlideInfo& info, const MppSources& sources);

// Warns where the slide itself contradicts its mpp: it would be larger than any glass, or the
// objective's power makes another (10 / power) of it. `info` is complete but for this.
void doubt_mpp(SlideInfo& info);

}  // namespace lamella::slide
