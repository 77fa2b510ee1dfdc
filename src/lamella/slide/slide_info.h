// SPDX-License-Identifier: Apache-2.0
// What is known of a slide without decoding a pixel. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::slide {

struct LevelInfo {
  SizePx size_px;           // px of this level
  double downsample_x = 1;  // level-0 px per px of this level
  double downsample_y = 1;
  SizePx tile_px;           // block that is decoded at once; strips count as tiles
  std::string compression;  // "jpeg", "jpeg2000", "deflate", "lzw", "none", or "openslide"
  // Tiles can be decoded at 1/2, 1/4 ... of their size, down to 1 / max_reduction: a power of two.
  int max_reduction = 1;
  // A pixel so reduced is made of the r x r pixels that it stands for (JPEG). If not (wavelets), it
  // lies up to r / 2 px beside them: good for pictures of the whole, not for patches.
  bool reduces_by_area = true;
};

// The level as it is at 1 / reduction: sides rounded down, downsamples times the reduction.
// Error kInvalidArgument: `reduction` is no power of two up to max_reduction.
LevelInfo reduced_level(const LevelInfo& level, int reduction);

// The greatest reduction that is at most `factor` (0.1 % tolerance), at least 1.
int reduction_for(const LevelInfo& level, double factor);

// The greatest reduction at which the level is still at least `size`; 1 if it is smaller already.
int reduction_to(const LevelInfo& level, const SizePx& size);

// Where the mpp comes from; kUser: given by the caller, which wins over the file.
enum class MppSource { kNone, kVendor, kResolutionTags, kUser };
std::string_view to_string(MppSource source);  // "none", "vendor", "resolution tags", "user"

// A picture that the file holds; one of them is the slide.
struct ImageInfo {
  std::string name;  // OME's; else "page 3" and the like
  SizePx size_px;
  int levels = 1;
};

// Colour profile that the file carries; it is not applied.
struct ColourProfile {
  std::string name;    // "sRGB IEC61966-2.1"; "" if it has none
  std::string sha256;  // of its bytes
  bool operator==(const ColourProfile&) const = default;
};

struct SlideInfo {
  std::string path;
  std::string format;             // "aperio", "tiff", or OpenSlide's vendor name
  std::string backend;            // "lamella" or "openslide 4.0.1"
  std::vector<LevelInfo> levels;  // [0] is the finest; never empty; downsamples increase
  std::optional<Mpp> mpp;         // at level 0
  MppSource mpp_source = MppSource::kNone;
  std::array<uint8_t, 3> background = {255, 255, 255};
  std::vector<std::string> associated_images;     // "label", "macro", "thumbnail"
  std::map<std::string, std::string> properties;  // vendor's, as text
  std::string fingerprint;                        // io::fingerprint of the file
  std::string layout;             // how the levels were found: "OME-TIFF", "SubIFDs" ...
  std::vector<ImageInfo> images;  // of TIFFs, in the file's order
  size_t image = 0;               // which of them this slide is
  std::optional<ColourProfile> icc;
  std::optional<double> objective_power;  // 20 for 20x, if the file says
  std::vector<std::string> warnings;      // what was adapted or is doubtful; each once

  // The slide's size in level-0 px.
  const SizePx& size_px() const { return levels.front().size_px; }
};

// µm/px that can be a microscope's: 0.05-20.
inline constexpr double kMinPlausibleMpp = 0.05;
inline constexpr double kMaxPlausibleMpp = 20.0;

// " (objective power 20: if so, 0.5 µm/px)" where the file has no mpp but that; else "".
std::string mpp_hint(const SlideInfo& info);

// The coarsest level whose downsample is at most `downsample` (1 % tolerance); level 0 if none is.
int level_for_downsample(const SlideInfo& info, double downsample);

}  // namespace lamella::slide
