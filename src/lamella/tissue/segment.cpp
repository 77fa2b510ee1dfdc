// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "lamella/base/parallel.h"
#include "lamella/tissue/segment_internal.h"

namespace lamella::tissue {

namespace {

// Glass of real slides has a mean saturation of 0.01-0.04, pale stroma more than 0.12.
constexpr double kTissueLikeSaturation = 0.10;
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

int saturation_of(const cv::Vec3b& pixel) {
  const int high = std::max({pixel[0], pixel[1], pixel[2]});
  const int low = std::min({pixel[0], pixel[1], pixel[2]});
  return high == 0 ? 0 : (510 * (high - low) + high) / (2 * high);
}

using Histogram = std::array<int64_t, 256>;

// Of the rows [first, last): writes to `candidate` the saturation (0-255) of the smoothed pixels,
// 0 where a pixel is nearly black, which has no colour, or pure white; returns how many pixels
// that are not nearly black have each saturation.
Histogram measure_rows(const cv::Mat& rgb, int first, int last, cv::Mat& candidate) {
  Histogram histogram{};
  cv::Mat smoothed;
  // The filter sees the rows beside the band, which is a part of the picture.
  cv::GaussianBlur(rgb.rowRange(first, last), smoothed, cv::Size(3, 3), kSmoothingPx, kSmoothingPx,
                   cv::BORDER_REPLICATE);
  for (int y = first; y < last; ++y) {
    const auto* soft = smoothed.ptr<cv::Vec3b>(y - first);
    const auto* sharp = rgb.ptr<cv::Vec3b>(y);
    auto* out = candidate.ptr<uint8_t>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const bool dark = std::max({soft[x][0], soft[x][1], soft[x][2]}) < kNearBlack;
      const bool white = std::min({sharp[x][0], sharp[x][1], sharp[x][2]}) >= kPureWhite;
      const int saturation = saturation_of(soft[x]);
      if (!dark) ++histogram[static_cast<size_t>(saturation)];
      out[x] = dark || white ? 0 : static_cast<uint8_t>(saturation);
    }
  }
  return histogram;
}

int64_t count_of(const Histogram& histogram) {
  return std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
}

double mean_of(const Histogram& histogram) {
  double sum = 0;
  for (size_t i = 0; i < histogram.size(); ++i) {
    sum += static_cast<double>(i) * static_cast<double>(histogram[i]);
  }
  const int64_t count = count_of(histogram);
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

// The lowest value t that parts the histogram into [0, t] and the rest with the greatest variance
// between the two.
int otsu(const Histogram& histogram) {
  const auto all = static_cast<double>(count_of(histogram));
  const double mean = mean_of(histogram);
  double below = 0, sum_below = 0, best = 0;
  int threshold = 0;
  for (int t = 0; t < 256; ++t) {
    const auto here = static_cast<double>(histogram[static_cast<size_t>(t)]);
    below += here;
    sum_below += t * here;
    if (below == 0 || below == all) continue;
    const double distance = sum_below / below - (mean * all - sum_below) / (all - below);
    const double between = below / all * (1 - below / all) * distance * distance;
    if (between > best) {
      best = between;
      threshold = t;
    }
  }
  return threshold;
}

// What is at most, or above, `threshold`.
Histogram part_of(const Histogram& histogram, int threshold, bool above) {
  Histogram part{};
  for (int i = 0; i < 256; ++i) {
    if ((i > threshold) == above) part[static_cast<size_t>(i)] = histogram[static_cast<size_t>(i)];
  }
  return part;
}

double find_threshold(const Histogram& saturations, double min_saturation) {
  constexpr double kTissueLike = 255 * kTissueLikeSaturation;
  const double floor = 255 * min_saturation;
  const int first = otsu(saturations);
  const Histogram pale = part_of(saturations, first, false);
  if (mean_of(pale) >= kTissueLike) return floor;
  // Strongly stained tissue draws the threshold up into the pale tissue.
  const int second = otsu(pale);
  const bool pale_tissue = mean_of(part_of(pale, second, true)) >= kTissueLike;
  return std::max<double>(pale_tissue ? second : first, floor);
}

// `labels` is memory for both of the next two: four bytes a pixel are worth asking for once.
void drop_small_pieces(cv::Mat& mask, double min_area_px, cv::Mat& labels) {
  cv::Mat stats, centroids;
  const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 8, CV_32S);
  std::vector<uint8_t> keep(static_cast<size_t>(count), 0);
  for (int i = 1; i < count; ++i) {
    keep[static_cast<size_t>(i)] = stats.at<int>(i, cv::CC_STAT_AREA) >= min_area_px ? 255 : 0;
  }
  for (int y = 0; y < mask.rows; ++y) {
    auto* out = mask.ptr<uint8_t>(y);
    const int* label = labels.ptr<int>(y);
    for (int x = 0; x < mask.cols; ++x) out[x] = keep[static_cast<size_t>(label[x])];
  }
}

void fill_small_holes(cv::Mat& mask, double max_hole_px, cv::Mat& labels) {
  cv::Mat stats, centroids;
  cv::bitwise_not(mask, mask);
  const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 4, CV_32S);
  cv::bitwise_not(mask, mask);
  std::vector<uint8_t> fill(static_cast<size_t>(count), 0);
  for (int i = 1; i < count; ++i) {
    const int x = stats.at<int>(i, cv::CC_STAT_LEFT), y = stats.at<int>(i, cv::CC_STAT_TOP);
    const bool at_edge = x == 0 || y == 0 || x + stats.at<int>(i, cv::CC_STAT_WIDTH) == mask.cols ||
                         y + stats.at<int>(i, cv::CC_STAT_HEIGHT) == mask.rows;
    fill[static_cast<size_t>(i)] = !at_edge && stats.at<int>(i, cv::CC_STAT_AREA) < max_hole_px;
  }
  for (int y = 0; y < mask.rows; ++y) {
    auto* out = mask.ptr<uint8_t>(y);
    const int* label = labels.ptr<int>(y);
    for (int x = 0; x < mask.cols; ++x) {
      if (fill[static_cast<size_t>(label[x])]) out[x] = 255;
    }
  }
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
  cv::threshold(mask, mask, std::floor(threshold), 255, cv::THRESH_BINARY);

  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3));
  cv::morphologyEx(mask, mask, cv::MORPH_CLOSE, disc);
  cv::morphologyEx(mask, mask, cv::MORPH_OPEN, disc);
  cv::Mat labels;
  drop_small_pieces(mask, options.min_area_px, labels);
  fill_small_holes(mask, options.max_hole_px, labels);
  return result;
}

}  // namespace lamella::tissue
