// SPDX-License-Identifier: Apache-2.0
// Where tissue is. Plain data and one function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/image.h"
#include "lamella/io/text_file.h"
#include "lamella/slide/slide.h"

namespace lamella::tissue {

struct TissueOptions {
  double mask_mpp = 8.0;         // µm per mask pixel, aimed at
  int mask_max_px = 1024;        // longer side of the mask where the slide has no mpp
  double min_area_um2 = 40'000;  // smaller pieces are dropped (200 µm squared)
  double max_hole_um2 = 10'000;  // smaller holes are filled
  double min_saturation = 0.05;  // 0-1: below it nothing is tissue, whatever Otsu says
  void validate() const;
};

// One byte per pixel, 255 tissue, 0 not. A mask pixel (i, j) covers level-0 px
// [i * downsample_x, (i + 1) * downsample_x) x [j * downsample_y, ...).
struct TissueMask {
  Image mask;               // 1 channel
  double downsample_x = 1;  // level-0 px per mask px
  double downsample_y = 1;
  double threshold = 0;        // saturation 0-1 that was used
  double tissue_fraction = 0;  // of the whole slide, 0-1

  // Fraction of the rectangle (level-0 px) that is tissue, by exact area; outside the slide
  // counts as no tissue.
  double fraction(const RectF& rect) const;
  // Must be called once `mask` is complete (make_tissue_mask and read_tissue_mask do); sets
  // tissue_fraction. Error kLimit beyond 2^32 - 1 px.
  void index();

 private:
  std::vector<uint32_t> integral_;  // (h + 1) x (w + 1): tissue px above and left
};

// From the coarsest level that is at least as fine as the mask, area-averaged to it, or as it is if
// its scale is within 1 % (a mask is never finer than level 0): Otsu on saturation after smoothing,
// morphology, small areas and holes dropped. Near-black and pure white are no tissue; a slide
// without background is all tissue. Without an mpp a mask pixel is taken to be mask_mpp wide for
// the area limits. Error kCorrupt if a tile cannot be read, kInterrupted, those of
// options.validate().
TissueMask make_tissue_mask(const slide::Slide& slide, const TissueOptions& options,
                            const Context& context);

// Every pixel is tissue: for callers that want no mask.
TissueMask all_tissue(const slide::SlideInfo& info);

// A mask of any size and program, stretched over the slide: PNG, JPEG or TIFF of 0 / not 0, of up
// to 16 different values (all but 0 are tissue; noted if there are more than two), or, from lossy
// or smoothing programs, of values near 0 and near the greatest (divided at half of it; noted).
// Error kMismatch if its proportions are not the slide's; kFormat: a picture that is no mask; those
// of imagefile::read_samples.
TissueMask read_tissue_mask(const std::string& path, const slide::SlideInfo& info,
                            io::Notes notes = nullptr);
// The mask as PNG, 0/255.
void write_tissue_mask(const TissueMask& mask, const std::string& path);
// Thumbnail (longer side at most max_px) with the mask's outline, for people.
Image draw_tissue_preview(const slide::Slide& slide, const TissueMask& mask, int max_px);

}  // namespace lamella::tissue
