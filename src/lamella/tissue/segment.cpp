// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "lamella/tissue/segment_internal.h"

namespace lamella::tissue {

namespace {

// Glass of real slides has a mean saturation of 0.01-0.04, pale stroma more than 0.12.
constexpr double kTissueLikeSaturation = 0.10;
constexpr int kNearBlack = 32;   // the brightest channel, 0-255
constexpr int kPureWhite = 250;  // the darkest channel
constexpr double kSmoothingPx = 0.8;

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

// Saturation 0-255; `dark` becomes 255 where a pixel is nearly black, which has no colour.
cv::Mat saturation_of(const cv::Mat& rgb, cv::Mat& dark) {
  cv::Mat saturation(rgb.size(), CV_8UC1);
  dark = cv::Mat(rgb.size(), CV_8UC1);
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const auto& pixel = rgb.at<cv::Vec3b>(y, x);
      const int high = std::max({pixel[0], pixel[1], pixel[2]});
      const int low = std::min({pixel[0], pixel[1], pixel[2]});
      const int value = high == 0 ? 0 : (510 * (high - low) + high) / (2 * high);
      saturation.at<uint8_t>(y, x) = static_cast<uint8_t>(value);
      dark.at<uint8_t>(y, x) = high < kNearBlack ? 255 : 0;
    }
  }
  return saturation;
}

double otsu(const std::vector<uint8_t>& values) {
  if (values.empty()) return 0;
  const cv::Mat row(1, static_cast<int>(values.size()), CV_8UC1,
                    const_cast<uint8_t*>(values.data()));
  cv::Mat ignored;
  return cv::threshold(row, ignored, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
}

double mean_of(const std::vector<uint8_t>& values) {
  int64_t sum = 0;
  for (const uint8_t value : values) sum += value;
  return values.empty() ? 0 : static_cast<double>(sum) / static_cast<double>(values.size());
}

// Those of `values` at most, or above, `threshold`.
std::vector<uint8_t> part_of(const std::vector<uint8_t>& values, double threshold, bool above) {
  std::vector<uint8_t> part;
  std::copy_if(values.begin(), values.end(), std::back_inserter(part),
               [&](uint8_t value) { return (value > threshold) == above; });
  return part;
}

double find_threshold(const std::vector<uint8_t>& saturations, double min_saturation) {
  constexpr double kTissueLike = 255 * kTissueLikeSaturation;
  const double floor = 255 * min_saturation;
  const double first = otsu(saturations);
  const std::vector<uint8_t> pale = part_of(saturations, first, false);
  if (mean_of(pale) >= kTissueLike) return floor;
  // Strongly stained tissue draws the threshold up into the pale tissue.
  const double second = otsu(pale);
  const bool pale_tissue = mean_of(part_of(pale, second, true)) >= kTissueLike;
  return std::max(pale_tissue ? second : first, floor);
}

void drop_small_pieces(cv::Mat& mask, double min_area_px) {
  cv::Mat labels, stats, centroids;
  const int count = cv::connectedComponentsWithStats(mask, labels, stats, centroids, 8, CV_32S);
  std::vector<uint8_t> keep(static_cast<size_t>(count), 0);
  for (int i = 1; i < count; ++i) {
    keep[static_cast<size_t>(i)] = stats.at<int>(i, cv::CC_STAT_AREA) >= min_area_px ? 255 : 0;
  }
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      mask.at<uint8_t>(y, x) = keep[static_cast<size_t>(labels.at<int>(y, x))];
    }
  }
}

void fill_small_holes(cv::Mat& mask, double max_hole_px) {
  cv::Mat labels, stats, centroids;
  const int count =
      cv::connectedComponentsWithStats(255 - mask, labels, stats, centroids, 4, CV_32S);
  std::vector<uint8_t> fill(static_cast<size_t>(count), 0);
  for (int i = 1; i < count; ++i) {
    const int x = stats.at<int>(i, cv::CC_STAT_LEFT), y = stats.at<int>(i, cv::CC_STAT_TOP);
    const bool at_edge = x == 0 || y == 0 || x + stats.at<int>(i, cv::CC_STAT_WIDTH) == mask.cols ||
                         y + stats.at<int>(i, cv::CC_STAT_HEIGHT) == mask.rows;
    fill[static_cast<size_t>(i)] = !at_edge && stats.at<int>(i, cv::CC_STAT_AREA) < max_hole_px;
  }
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (fill[static_cast<size_t>(labels.at<int>(y, x))]) mask.at<uint8_t>(y, x) = 255;
    }
  }
}

}  // namespace

Segmentation segment_tissue(const ImageView& rgb, const SegmentOptions& options) {
  keep_opencv_single_threaded();
  Segmentation result;
  result.mask = Image(rgb.width, rgb.height, 1);
  const cv::Mat picture = as_mat(rgb);
  cv::Mat smoothed, dark;
  cv::GaussianBlur(picture, smoothed, cv::Size(3, 3), kSmoothingPx, kSmoothingPx,
                   cv::BORDER_REPLICATE);
  const cv::Mat saturation = saturation_of(smoothed, dark);
  std::vector<uint8_t> coloured;
  coloured.reserve(saturation.total());
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      if (!dark.at<uint8_t>(y, x)) coloured.push_back(saturation.at<uint8_t>(y, x));
    }
  }
  const double threshold = find_threshold(coloured, options.min_saturation);
  result.threshold = threshold / 255;

  const MutableImageView out = result.mask.view();
  cv::Mat mask(rgb.height, rgb.width, CV_8UC1, out.data, static_cast<size_t>(out.stride));
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      const auto& pixel = picture.at<cv::Vec3b>(y, x);
      const bool white = std::min({pixel[0], pixel[1], pixel[2]}) >= kPureWhite;
      const bool tissue =
          !white && !dark.at<uint8_t>(y, x) && saturation.at<uint8_t>(y, x) > threshold;
      mask.at<uint8_t>(y, x) = tissue ? 255 : 0;
    }
  }
  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3));
  cv::morphologyEx(mask, mask, cv::MORPH_CLOSE, disc);
  cv::morphologyEx(mask, mask, cv::MORPH_OPEN, disc);
  drop_small_pieces(mask, options.min_area_px);
  fill_small_holes(mask, options.max_hole_px);
  return result;
}

}  // namespace lamella::tissue
