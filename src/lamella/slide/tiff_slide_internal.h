// SPDX-License-Identifier: Apache-2.0
// What the formats that are TIFF share: a slide made of TIFF directories.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lamella/slide/formats_internal.h"
#include "lamella/slide/slide.h"
#include "lamella/slide/tiff_file_internal.h"
#include "lamella/slide/tiff_picture_internal.h"

namespace lamella::slide {

struct TiffParts {
  std::vector<TiffLevel> levels;             // finest first
  std::map<std::string, size_t> associated;  // name -> directory
  // A tile that a reduced level leaves out is made of the finer level (Aperio); else it is white.
  bool renders_holes = false;
};

// µm/px from a directory's resolution tags, if they can be a microscope's.
std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory);

// Fills path, levels, associated images, fingerprint, profile and backend of `info`, and warns of
// tiles that are left out. Error kUnsupported if a level cannot be decoded.
std::shared_ptr<const Slide> make_tiff_slide(const Candidate& candidate, TiffParts parts,
                                             SlideInfo info);

}  // namespace lamella::slide
