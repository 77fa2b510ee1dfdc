// SPDX-License-Identifier: Apache-2.0
// Where tissue is. Plain data and one function.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/image.h"
#include "lamella/base/option.h"
#include "lamella/io/text_file.h"
#include "lamella/slide/slide.h"

namespace lamella::tissue {

// Changes when the same pixels and options give another mask: masks and plans are made again then.
inline constexpr std::string_view kTissueMethod = "density against the glass, 1";

struct TissueOptions {
  double mask_mpp = 8.0;         // µm per mask pixel, aimed at: 0.5-100
  int mask_max_px = 1024;        // longer side of the mask where the slide has no mpp: 16-16384
  double min_area_um2 = 40'000;  // smaller pieces are dropped (200 µm squared)
  double max_hole_um2 = 60'000;  // smaller holes are filled
  double min_density = 0.018;    // optical density (natural) against the glass, 0.01-1: what is
                                 // paler is never tissue
  double max_gap_um = 80;        // gaps up to this wide are closed, 0-500
  double max_air_um = 190;       // spaces between thin walls (fat, alveoli) are closed, 0-500
  void validate() const;
  static const OptionTable<TissueOptions>& table();
};

// Why a pixel that is no plain glass is no tissue.
enum class LeftOut : uint8_t {
  kNothing = 0,      // tissue or plain glass
  kInk = 1,          // of a pen
  kShadow = 2,       // neutral on a slide with colours: dust, shadows, edges of the coverslip
  kNeverImaged = 3,  // pure white or black
  kSmall = 4,        // stained, but too small, thin, or a straight line
};

// What a slide looks like, to compare it with others.
struct SlideLook {
  std::optional<std::array<double, 3>> glass_rgb;      // 0-255; none: no glass was found
  std::optional<std::array<double, 3>> stain_density;  // mean optical density of what is stained
  bool coloured = true;                                // else grey
};

// One byte per pixel, 255 tissue, 0 not. A mask pixel (i, j) covers level-0 px
// [i * downsample_x, (i + 1) * downsample_x) x [j * downsample_y, ...).
struct TissueMask {
  Image mask;               // 1 channel
  double downsample_x = 1;  // level-0 px per mask px
  double downsample_y = 1;
  Image left_out;                 // as `mask`: LeftOut; empty if the mask was not made here
  double threshold = 0;           // optical density above which a pixel was stained
  std::optional<SlideLook> look;  // none if the mask was not made here
  double tissue_fraction = 0;     // of the whole slide, 0-1

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
// its scale is within 1 % (a mask is never finer than level 0): optical density against the slide's
// own glass, ink, shadows and padding left out, gaps closed, small areas and holes dropped. A slide
// without glass is all tissue, one of glass alone has none. Without an mpp a mask pixel is taken to
// be mask_mpp wide for lengths and areas. Error kCorrupt if a tile cannot be read, kInterrupted,
// those of options.validate().
TissueMask make_tissue_mask(const slide::Slide& slide, const TissueOptions& options,
                            const Context& context);

// A slide of a cohort, and what its mask found of it.
struct CohortSlide {
  std::string slide_id;
  double tissue_fraction = 0;  // 0-1
  SlideLook look;
};

// How far what a slide's stain absorbs lies from what those of others do: the length, over red,
// green and blue, of its mean optical density (natural) less the median of theirs. nullopt where
// the slide or all others have none.
std::optional<double> stain_shift(const SlideLook& look, const std::vector<SlideLook>& others);

// One sentence for each slide whose tissue share, glass, or stain (its density, and its hue) is
// unlike the others': further from their median than five robust standard deviations (1.4826 times
// the median distance from it), and than a difference that means something. None among fewer than
// five slides.
std::vector<std::string> unlike_the_rest(const std::vector<CohortSlide>& cohort);

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
// Thumbnail (longer side at most max_px) with the mask's outline, and in colours what was left out
// and why; below it, a legend of the colours that occur. For people.
Image draw_tissue_preview(const slide::Slide& slide, const TissueMask& mask, int max_px);

}  // namespace lamella::tissue
