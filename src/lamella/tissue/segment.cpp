// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/tissue/components_internal.h"
#include "lamella/tissue/density_internal.h"
#include "lamella/tissue/segment_internal.h"
#include "lamella/tissue/stained_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kBandRows = 64;
constexpr int kStrongPart = 7;  // percent of the strong density that is stained

// Threads are the caller's to give (Context::threads): OpenCV must not start its own.
void keep_opencv_single_threaded() {
  static const bool done = (cv::setNumThreads(1), true);
  static_cast<void>(done);
}

int64_t band_count(int height) { return (height + kBandRows - 1) / kBandRows; }

// Calls body(first, last, index, worker) for bands of rows.
template <typename Body>
void for_bands(int height, int threads, const Body& body) {
  parallel_for(band_count(height), threads, [&](int64_t band, int worker) {
    const int first = static_cast<int>(band) * kBandRows;
    body(first, std::min(height, first + kBandRows), static_cast<size_t>(band),
         static_cast<size_t>(worker));
  });
}

std::vector<uint8_t> copy_rows(const ImageView& picture, int first, int last) {
  first = std::max(0, first), last = std::min(picture.height, last);
  if (first >= last) return {};
  return {picture.row(first), picture.row(first) + (last - first) * picture.stride};
}

BrightCounts smooth_and_flag(const MutableImageView& picture, const MutableImageView& flags,
                             int threads) {
  const auto bands = static_cast<size_t>(band_count(picture.height));
  // Copies: the neighbours smooth theirs.
  std::vector<std::vector<uint8_t>> above(bands), below(bands);
  for (size_t i = 0; i < bands; ++i) {
    const int first = static_cast<int>(i) * kBandRows;
    above[i] = copy_rows(picture, first - kFlagHalo, first);
    below[i] = copy_rows(picture, first + kBandRows, first + kBandRows + kFlagHalo);
  }
  std::vector<BrightCounts> counts(bands);
  std::vector<FlagScratch> scratch(static_cast<size_t>(threads));
  for_bands(picture.height, threads, [&](int first, int last, size_t i, size_t worker) {
    counts[i] = flag_rows(picture, flags, {first, last, above[i], below[i]}, scratch[worker]);
  });
  for (size_t i = 1; i < bands; ++i) counts[0].add(counts[i]);
  return counts[0];
}

std::optional<UnevenGlass> measure_glass(const ImageView& picture, const ImageView& flags,
                                         const DensityTable& table, int threads) {
  UnevenGlass glass(picture.width, picture.height);
  parallel_for(glass.rows(), threads, [&](int64_t row, int) {
    glass.measure(picture, flags, table, static_cast<int>(row));
  });
  glass.complete();
  return glass;
}

// The step of density above which a pixel is stained: in proportion to the stain's strength, and
// within a factor of two.
int stained_step(const DensityCounts& counts, const SegmentOptions& options) {
  const int least = std::max(1, static_cast<int>(options.min_density * kStepsPerDensity));
  return std::clamp(kStrongPart * counts.strong_step() / 100, least, 2 * least);
}

SlideLook look_of(const Glass& glass, const DensityCounts& counts) {
  SlideLook look;
  if (glass.found) look.glass_rgb = glass.colour;
  look.coloured = counts.is_coloured();
  if (counts.dense == 0) return look;
  std::array<double, 3> density{};
  for (size_t c = 0; c < density.size(); ++c) {
    density[c] =
        static_cast<double>(counts.absorbed[c]) / (1000.0 * static_cast<double>(counts.dense));
  }
  look.stain_density = density;
  return look;
}

void note_left_out(const ImageView& flags, const ImageView& steps, const StainedInput& input,
                   Segmentation& result, int threads) {
  // Glass may itself be white.
  const bool white = result.look.glass_rgb && (*result.look.glass_rgb)[1] >= kPureWhite;
  const int never = white ? kDark : kDark | kWhite;
  for_bands(flags.height, threads, [&](int first, int last, size_t, size_t) {
    for (int y = first; y < last; ++y) {
      const uint8_t* flag = flags.row(y);
      const uint8_t* step = steps.row(y);
      const uint8_t* barred = input.barred.data ? input.barred.row(y) : nullptr;
      const uint8_t* mask = result.mask.row(y);
      uint8_t* out = result.left_out.row(y);
      for (int x = 0; x < flags.width; ++x) {
        const bool plain = step[x] <= input.step && !(flag[x] & never) && !(barred && barred[x]);
        out[x] = 0;
        if (plain || mask[x]) continue;
        LeftOut why = LeftOut::kSmall;
        if ((flag[x] & never) || (barred && barred[x] == kBarredPadding)) {
          why = LeftOut::kNeverImaged;
        } else if (barred && barred[x]) {
          why = LeftOut::kInk;
        } else if (input.coloured && !(flag[x] & kColoured)) {
          why = LeftOut::kShadow;
        }
        out[x] = static_cast<uint8_t>(why);
      }
    }
  });
}

}  // namespace

Segmentation segment_tissue(Image picture, const SegmentOptions& options, const Context& context) {
  keep_opencv_single_threaded();
  const int width = picture.width(), height = picture.height(), threads = context.threads;
  Image flags(width, height, 1), steps(width, height, 1);
  Segmentation result;
  const Glass glass = find_glass(smooth_and_flag(picture.view(), flags.view(), threads));
  const DensityTable table = density_table(glass);
  std::optional<UnevenGlass> uneven;
  if (glass.found) uneven = measure_glass(picture.view(), flags.view(), table, threads);
  const DensityInput density{picture.view(), table, uneven ? &*uneven : nullptr};
  std::vector<DensityCounts> counts(static_cast<size_t>(band_count(height)));
  for_bands(height, threads, [&](int first, int last, size_t i, size_t) {
    counts[i] = measure_density(density, first, last, flags.view(), steps.view());
  });
  for (size_t i = 1; i < counts.size(); ++i) counts[0].add(counts[i]);

  StainedInput input;
  input.picture = picture.view(), input.flags = flags.view(), input.steps = steps.view();
  input.coloured = counts[0].is_coloured();
  input.step = stained_step(counts[0], options);
  result.threshold = static_cast<double>(input.step) / kStepsPerDensity;
  result.look = look_of(glass, counts[0]);
  const Image barred = find_barred(input, counts[0], options.min_ink_px);
  if (!barred.empty()) input.barred = barred.view();
  Image stained(width, height, 1);
  std::vector<cv::Mat> scratch(static_cast<size_t>(threads));
  for_bands(height, threads, [&](int first, int last, size_t, size_t worker) {
    mark_stained(input, first, last, scratch[worker], stained.view());
  });
  input.picture = {};
  picture = Image();

  result.mask = Image(width, height, 1);
  const MutableImageView mask = result.mask.view();
  close_tissue(stained.view(), input.barred, options.shape, mask, threads);
  drop_small_pieces(mask, options.min_area_px);
  fill_small_holes(mask, options.max_hole_px);
  clear_barred(input.barred, mask);
  drop_straight_lines(mask, options.min_line_px, options.max_line_width_px);
  result.left_out = std::move(stained);
  note_left_out(flags.view(), steps.view(), input, result, threads);
  return result;
}

}  // namespace lamella::tissue
