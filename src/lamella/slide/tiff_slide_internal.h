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

namespace lamella::slide {

struct TiffLayout {
  std::vector<size_t> levels;                // directories, finest first
  std::map<std::string, size_t> associated;  // name -> directory
};

// The directories that continue the pyramid that starts at directory 0: of the same kind (tiled
// or not), each smaller than the one before, of the same proportions within a pixel's rounding.
std::vector<size_t> pyramid_levels(const TiffFile& file);

// µm/px from a directory's resolution tags, if they can be a microscope's.
std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory);

// Fills path, levels, associated images, fingerprint and backend of `info`; the mpp too, unless
// the format has set it: user's, format's, resolution tags', none. Error kUnsupported if a level
// cannot be decoded.
std::shared_ptr<const Slide> make_tiff_slide(const Candidate& candidate, TiffLayout layout,
                                             SlideInfo info);

}  // namespace lamella::slide
