// SPDX-License-Identifier: Apache-2.0
// The pictures of a TIFF before their levels are joined: by OME-XML, by ImageJ's words, or a page
// each. SubIFDs are joined already.
#pragma once

#include <string>
#include <vector>

#include "lamella/slide/tiff_layout_internal.h"

namespace lamella::slide {

struct TiffPictures {
  std::string kind;  // as TiffLayout's
  std::vector<TiffImage> pictures;
  std::vector<std::string> warnings;
};

TiffPictures find_pictures(const TiffFile& file);

}  // namespace lamella::slide
