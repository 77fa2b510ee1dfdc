// SPDX-License-Identifier: Apache-2.0
// What an OME-XML block in a TIFF's first description says of its images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::slide {

struct OmeChannel {
  std::string name;                // "" if it has none of its own ("Channel 0" is none)
  std::optional<uint32_t> colour;  // 0xRRGGBBAA
  bool fluorescent = false;        // an emission, a fluorophore or the like is given
};

struct OmeImage {
  std::string name;
  SizePx size_px;
  int64_t focal_planes = 1, size_c = 1, time_points = 1;
  std::vector<OmeChannel> channels;  // one of each plane; SizeC of them where none is described
  std::optional<Mpp> mpp;            // as written, plausible or not
  std::optional<double> objective_power;
  std::vector<std::optional<size_t>> pages;  // TIFF page of each channel, at z = t = 0
  std::string other_file;                    // its pixels are there; "": in this file
};

bool is_ome_xml(std::string_view description);

// Empty if the text is no sound XML or names no image. `file_pages` bounds the pages.
std::vector<OmeImage> read_ome_xml(const std::string& text, size_t file_pages);

}  // namespace lamella::slide
