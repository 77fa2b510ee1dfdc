// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/tissue/components_internal.h"
#include "lamella/tissue/saturation_threshold_internal.h"
#include "lamella/tissue/segment_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kNearBlack = 32;   // the brightest channel, 0-255
constexpr int kPureWhite = 250;  // the darkest channel
constexpr double kSmoothingPx = 0.8;
constexpr int kBandRows = 128;  // measured at once by one thread

// Threads are the caller's to give (Context::threads): OpenCV must not start its own.
void keep_opencv_single_threaded() {
  static const bool done = (cv::setNumThreads(1), true);
  static_cast<void>(done);
}

cv::Mat as_mat(const ImageView& image) {
  // OpenCV has no read-only matrix; nothing here writes to it.
  return cv::Mat(image.height, image.width, CV_8UC(image.channels),
                 const_cast<uint8_t*>(image.data), static_cast<size_t>(image.stride));
}

// The saturation (0-255, rounded) for each brightest channel and its distance from the darkest:
// a division a pixel takes longer than all the rest.
class SaturationTable {
 public:
  SaturationTable() {
    for (int high = 1; high < 256; ++high) {
      for (int range = 0; range <= high; ++range) {
        table_[index(high, range)] = static_cast<uint8_t>((510 * range + high) / (2 * high));
      }
    }
  }
  uint8_t of(int high, int low) const { return table_[index(high, high - low)]; }

 private:
  static size_t index(int high, int range) { return static_cast<size_t>(high << 8 | range); }
  std::array<uint8_t, 65536> table_{};
};

// Of the rows [first, last): writes to `candidate` the saturation (0-255) of the smoothed pixels,
// 0 where a pixel is nearly black, which has no colour, or pure white; returns how many pixels
// that are not nearly black have each saturation.
Histogram measure_rows(const cv::Mat& rgb, int first, int last, cv::Mat& candidate) {
  std::array<std::array<uint32_t, 256>, 4> counts{};
  // One more row at each side, and a picture of its own instead of a part of one, which OpenCV
  // rounds otherwise: bands give what the whole picture gives.
  const int above = std::min(first, 1), below = std::min(rgb.rows - last, 1);
  const cv::Mat seen(above + last - first + below, rgb.cols, rgb.type(),
                     const_cast<uint8_t*>(rgb.ptr<uint8_t>(first - above)), rgb.step);
  cv::Mat smoothed;
  cv::GaussianBlur(seen, smoothed, cv::Size(3, 3), kSmoothingPx, kSmoothingPx,
                   cv::BORDER_REPLICATE);
  static const SaturationTable saturations;
  for (int y = first; y < last; ++y) {
    const uint8_t* soft = smoothed.ptr<uint8_t>(y - first + above);
    const uint8_t* sharp = rgb.ptr<uint8_t>(y);
    uint8_t* out = candidate.ptr<uint8_t>(y);
    for (int x = 0; x < rgb.cols; ++x, soft += 3, sharp += 3) {
      const int high = std::max({soft[0], soft[1], soft[2]});
      const bool dark = high < kNearBlack;
      const bool white = std::min({sharp[0], sharp[1], sharp[2]}) >= kPureWhite;
      const uint8_t saturation = saturations.of(high, std::min({soft[0], soft[1], soft[2]}));
      // Neighbours are often alike, and counting in one place waits for the last count.
      counts[static_cast<size_t>(x & 3)][saturation] += !dark;
      out[x] = dark || white ? uint8_t{0} : saturation;
    }
  }
  Histogram histogram{};
  for (const auto& part : counts) {
    for (size_t i = 0; i < part.size(); ++i) histogram[i] += part[i];
  }
  return histogram;
}

// Of the mask of saturations: 255 above the threshold, then closing and opening by `disc`. Bands of
// rows, each with as many rows around it as the four passes see.
void binarise_and_smooth(cv::Mat& mask, double threshold, int threads) {
  constexpr int kSeenRows = 4;
  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3));
  struct Band {
    int first, last;
    cv::Mat above, below;  // copies: the neighbours change theirs
  };
  std::vector<Band> bands;
  for (int first = 0; first < mask.rows; first += kBandRows) {
    const int last = std::min(mask.rows, first + kBandRows);
    bands.push_back({first, last, mask.rowRange(std::max(0, first - kSeenRows), first).clone(),
                     mask.rowRange(last, std::min(mask.rows, last + kSeenRows)).clone()});
  }
  parallel_for(static_cast<int64_t>(bands.size()), threads, [&](int64_t index, int) {
    const Band& band = bands[static_cast<size_t>(index)];
    cv::Mat own = mask.rowRange(band.first, band.last), rows;
    const int above = band.above.rows;
    rows.create(above + own.rows + band.below.rows, mask.cols, CV_8UC1);
    if (above > 0) band.above.copyTo(rows.rowRange(0, above));
    own.copyTo(rows.rowRange(above, above + own.rows));
    if (!band.below.empty()) band.below.copyTo(rows.rowRange(above + own.rows, rows.rows));
    cv::threshold(rows, rows, std::floor(threshold), 255, cv::THRESH_BINARY);
    cv::morphologyEx(rows, rows, cv::MORPH_CLOSE, disc);
    cv::morphologyEx(rows, rows, cv::MORPH_OPEN, disc);
    rows.rowRange(above, above + own.rows).copyTo(own);
  });
}

}  // namespace

Segmentation segment_tissue(const ImageView& rgb, const SegmentOptions& options,
                            const Context& context) {
  keep_opencv_single_threaded();
  Segmentation result;
  result.mask = Image(rgb.width, rgb.height, 1);
  const cv::Mat picture = as_mat(rgb);
  const MutableImageView out = result.mask.view();
  cv::Mat mask(rgb.height, rgb.width, CV_8UC1, out.data, static_cast<size_t>(out.stride));

  const int64_t bands = (rgb.height + kBandRows - 1) / kBandRows;
  std::vector<Histogram> histograms(static_cast<size_t>(bands));
  parallel_for(bands, context.threads, [&](int64_t band, int) {
    const int first = static_cast<int>(band) * kBandRows;
    histograms[static_cast<size_t>(band)] =
        measure_rows(picture, first, std::min(rgb.height, first + kBandRows), mask);
  });
  Histogram saturations{};
  for (const Histogram& band : histograms) {
    for (size_t i = 0; i < band.size(); ++i) saturations[i] += band[i];
  }
  const double threshold = find_threshold(saturations, options.min_saturation);
  result.threshold = threshold / 255;
  binarise_and_smooth(mask, threshold, context.threads);
  drop_small_pieces(out, options.min_area_px);
  fill_small_holes(out, options.max_hole_px);
  return result;
}

}  // namespace lamella::tissue
