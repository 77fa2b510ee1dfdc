// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "lamella/tissue/segment_internal.h"
#include "lamella/tissue/small_picture_internal.h"
#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

namespace {

// A slide of 80 mm at 8 µm/px has 10,000; more means that the slide's mpp is wrong.
constexpr int64_t kMaxMaskPx = 16384;
// Without an mpp a small picture must not lose all its pieces.
constexpr double kMaxDroppedPart = 0.005;
constexpr double kMinInkUm2 = 40'000;  // a smaller piece of an ink's colour may be blood
constexpr double kMinLineUm = 1'200;   // a shorter line is no edge of a coverslip
constexpr double kMaxLineWidthUm = 112;

// Level-0 px per mask px that the options ask for.
Mpp wanted_downsample(const slide::SlideInfo& info, const TissueOptions& options) {
  const int64_t longer = std::max(info.size_px().width, info.size_px().height);
  const double least = static_cast<double>(longer) / kMaxMaskPx;
  if (info.mpp) {
    return {std::max(options.mask_mpp / info.mpp->x, least),
            std::max(options.mask_mpp / info.mpp->y, least)};
  }
  const double downsample = static_cast<double>(longer) / options.mask_max_px;
  return {std::max(downsample, 1.0), std::max(downsample, 1.0)};
}

// A level within 1 % of what is aimed at is taken as it is.
int64_t mask_size(int64_t slide_size, double downsample, int64_t level_size) {
  const int64_t size = std::llround(static_cast<double>(slide_size) / downsample);
  if (std::abs(size - level_size) <= level_size / 100) return level_size;
  return std::clamp<int64_t>(size, 1, level_size);
}

SegmentOptions segment_options(const TissueMask& mask, SizePx mask_size_px,
                               const slide::SlideInfo& info, const TissueOptions& options) {
  // Without an mpp a mask pixel is taken to be of the size aimed at.
  double area_um2 = options.mask_mpp * options.mask_mpp;
  if (info.mpp) {
    area_um2 = mask.downsample_x * info.mpp->x * mask.downsample_y * info.mpp->y;
  }
  const double px_um = std::sqrt(area_um2);
  SegmentOptions segment;
  segment.min_density = options.min_density;
  segment.shape.gap_px = static_cast<int>(std::lround(options.max_gap_um / 2 / px_um));
  segment.shape.air_px = static_cast<int>(std::lround(options.max_air_um / 2 / px_um));
  segment.min_area_px = options.min_area_um2 / area_um2;
  segment.max_hole_px = options.max_hole_um2 / area_um2;
  segment.min_ink_px = kMinInkUm2 / area_um2;
  segment.min_line_px = kMinLineUm / px_um;
  segment.max_line_width_px = kMaxLineWidthUm / px_um;
  if (!info.mpp) {
    const double most =
        kMaxDroppedPart * static_cast<double>(mask_size_px.width * mask_size_px.height);
    segment.min_area_px = std::min(segment.min_area_px, most);
    segment.max_hole_px = std::min(segment.max_hole_px, most);
  }
  return segment;
}

}  // namespace

const OptionTable<TissueOptions>& TissueOptions::table() {
  static const auto kTable =
      OptionTable<TissueOptions>()
          .row("mask_mpp", &TissueOptions::mask_mpp,
               {.help = "scale of the tissue mask", .unit = "µm/px", .least = 0.5, .most = 100})
          .row("mask_max_px", &TissueOptions::mask_max_px,
               {.help = "longer side of the tissue mask where the slide has no mpp",
                .unit = "px",
                .least = 16,
                .most = kMaxMaskPx})
          .row("min_area_um2", &TissueOptions::min_area_um2,
               {.help = "smaller pieces of tissue are dropped", .unit = "µm²", .least = 0})
          .row("max_hole_um2", &TissueOptions::max_hole_um2,
               {.help = "smaller holes in the tissue are filled", .unit = "µm²", .least = 0})
          .row("min_density", &TissueOptions::min_density,
               {.help = "optical density against the glass; what is paler is never tissue",
                .least = 0.01,
                .most = 1})
          .row("max_gap_um", &TissueOptions::max_gap_um,
               {.help = "gaps up to this wide are closed", .unit = "µm", .least = 0, .most = 500})
          .row("max_air_um", &TissueOptions::max_air_um,
               {.help = "spaces up to this wide between thin walls (fat, alveoli) are closed",
                .unit = "µm",
                .least = 0,
                .most = 500});
  return kTable;
}

void TissueOptions::validate() const { table().check(*this); }

TissueMask make_tissue_mask(const slide::Slide& slide, const TissueOptions& options,
                            const Context& context) {
  options.validate();
  const slide::SlideInfo& info = slide.info();
  const Mpp downsample = wanted_downsample(info, options);
  const int level = slide::level_for_downsample(info, std::min(downsample.x, downsample.y));
  const SizePx level_size = info.levels.at(static_cast<size_t>(level)).size_px;
  const SizePx size{mask_size(info.size_px().width, downsample.x, level_size.width),
                    mask_size(info.size_px().height, downsample.y, level_size.height)};
  Image picture = read_small_picture(slide, level, size, context);

  TissueMask result;
  result.downsample_x = static_cast<double>(info.size_px().width) / static_cast<double>(size.width);
  result.downsample_y =
      static_cast<double>(info.size_px().height) / static_cast<double>(size.height);
  Segmentation segmentation =
      segment_tissue(std::move(picture), segment_options(result, size, info, options), context);
  result.mask = std::move(segmentation.mask);
  result.left_out = std::move(segmentation.left_out);
  result.threshold = segmentation.threshold;
  result.look = segmentation.look;
  result.index();
  return result;
}

}  // namespace lamella::tissue
