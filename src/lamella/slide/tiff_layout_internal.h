// SPDX-License-Identifier: Apache-2.0
// The layout of a TIFF: which directory is which level of which picture.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/slide/tiff_file_internal.h"
#include "lamella/slide/tiff_picture_internal.h"

namespace lamella::slide {

struct TiffImage {
  std::string name;               // OME's, ImageJ's or the label's; else "page N"
  size_t page = 0;                // its first
  std::vector<TiffLevel> levels;  // finest first
  std::optional<Mpp> mpp;         // by OME-XML or ImageJ, as written
  std::optional<double> objective_power;
  std::string refusal;   // why it is no slide: "2 channels (DAPI, FITC) ..."; "": it may be one
  bool reduced = false;  // flagged as a reduced copy, of whatever
};

struct TiffLayout {
  std::string kind;                          // "OME-TIFF", "ImageJ", "TIFF pages"
  std::vector<TiffImage> images;             // in the file's order
  std::map<std::string, size_t> associated;  // label, macro, thumbnail -> directory
  std::vector<std::string> warnings;
};

// Levels are a page's SubIFDs, reduced copies by their flag, and pages without a flag if they show
// the same picture. Three grey pages that are the red, green and blue of one brightfield picture
// (by the words of OME-XML or ImageJ) are one.
TiffLayout find_layout(const TiffFile& file);

// The image that is the slide: the one wanted (its number or name), the only one, or the largest by
// far. Adds a warning if the file holds others that could be meant. Errors without a path:
// kNotFound if there is no such image; kUnsupported, with a list, if it is not clear which is meant
// or it is none that can be shown; kCorrupt if a damaged directory may be the slide.
size_t choose_image(const TiffFile& file, const std::string& wanted, TiffLayout& layout);

// Whether `size` can be `full` reduced by one factor, each side rounded up or down.
bool same_proportions(const SizePx& full, const SizePx& size);

// Whether a directory's size and samples let it be a reduced copy of what `last` shows.
bool can_follow(const TiffFile& file, const TiffLevel& first, const TiffLevel& last,
                const TiffLevel& next);

// "2 pages that cannot be relied on are left out (TIFF directory 3: ...)", or "".
std::string problem_note(const TiffFile& file);

// "label", "macro" or "thumbnail" if that is what a name or description says, else "".
std::string associated_name(const std::string& name);

}  // namespace lamella::slide
