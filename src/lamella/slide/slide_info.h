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
};

// Where the mpp comes from; kUser: given by the caller, which wins over the file.
enum class MppSource { kNone, kVendor, kResolutionTags, kUser };
std::string_view to_string(MppSource source);  // "none", "vendor", "resolution tags", "user"

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

  // The slide's size in level-0 px.
  const SizePx& size_px() const { return levels.front().size_px; }
};

// µm/px that can be a microscope's: 0.05-20.
inline constexpr double kMinPlausibleMpp = 0.05;
inline constexpr double kMaxPlausibleMpp = 20.0;

// The coarsest level whose downsample is at most `downsample` (1 % tolerance); level 0 if none is.
int level_for_downsample(const SlideInfo& info, double downsample);

}  // namespace lamella::slide
