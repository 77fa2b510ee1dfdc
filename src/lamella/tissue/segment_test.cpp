// SPDX-License-Identifier: Apache-2.0
// Segmentation beside its plain version: whole pictures at once, labels for every pixel.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "lamella/base/random.h"
#include "lamella/tissue/components_internal.h"
#include "lamella/tissue/saturation_threshold_internal.h"
#include "lamella/tissue/segment_internal.h"

namespace lamella::tissue {
namespace {

TEST(Otsu, ByHand) {
  Histogram histogram{};
  EXPECT_EQ(otsu(histogram), 0) << "nothing";
  histogram[10] = 5;
  EXPECT_EQ(otsu(histogram), 0) << "one value cannot be parted";
  histogram[20] = 5;
  EXPECT_EQ(otsu(histogram), 10) << "the lowest of 10 to 19, which part alike";
  // Of {1, 1, 2 | 9}: after 1, 1: (2/4)(2/4)(5.5 - 1)^2 = 5.06; after 2: (3/4)(1/4)(9 - 4/3)^2 =
  // 11.02.
  EXPECT_EQ(otsu([] {
              Histogram h{};
              h[1] = 2, h[2] = 1, h[9] = 1;
              return h;
            }()),
            2);
  // Of {0, 0, 0, 4 | 5}: after 0: (3/5)(2/5)(4.5)^2 = 4.86; after 4: (4/5)(1/5)(5 - 1)^2 = 2.56.
  EXPECT_EQ(otsu([] {
              Histogram h{};
              h[0] = 3, h[4] = 1, h[5] = 1;
              return h;
            }()),
            0);
}

TEST(FindThreshold, ByHand) {
  Histogram glass_and_dark{};
  glass_and_dark[5] = 900;
  glass_and_dark[150] = 100;
  // The paler class is 5 alone, not like tissue (25.5); it cannot be parted: its second Otsu is 0,
  // and what is above 0 is glass again, so the first stands, or the floor of 0.05 * 255 = 12.75.
  EXPECT_EQ(find_threshold(glass_and_dark, 0.05), 12.75);
  EXPECT_EQ(find_threshold(glass_and_dark, 0.01), 5);
  Histogram with_pale = glass_and_dark;
  with_pale[40] = 50;  // pale tissue, below the first threshold: the second one is taken
  EXPECT_EQ(otsu(with_pale), 40);
  EXPECT_EQ(find_threshold(with_pale, 0.01), 5);
  Histogram all_tissue{};
  all_tissue[60] = 500;
  all_tissue[150] = 500;
  EXPECT_EQ(find_threshold(all_tissue, 0.05), 12.75) << "no background: the floor decides alone";
}

int plain_saturation(const cv::Vec3b& pixel) {
  const int high = std::max({pixel[0], pixel[1], pixel[2]});
  const int low = std::min({pixel[0], pixel[1], pixel[2]});
  return high == 0 ? 0 : (510 * (high - low) + high) / (2 * high);
}

void plain_components(cv::Mat& mask, double min_area_px, double max_hole_px) {
  cv::Mat labels, stats, centroids;
  cv::connectedComponentsWithStats(mask, labels, stats, centroids, 8, CV_32S);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      const int label = labels.at<int>(y, x);
      if (label && stats.at<int>(label, cv::CC_STAT_AREA) < min_area_px) mask.at<uint8_t>(y, x) = 0;
    }
  }
  cv::Mat holes;
  cv::bitwise_not(mask, holes);
  cv::connectedComponentsWithStats(holes, labels, stats, centroids, 4, CV_32S);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      const int i = labels.at<int>(y, x);
      if (!i) continue;
      const int left = stats.at<int>(i, cv::CC_STAT_LEFT), top = stats.at<int>(i, cv::CC_STAT_TOP);
      const bool edge = left == 0 || top == 0 ||
                        left + stats.at<int>(i, cv::CC_STAT_WIDTH) == mask.cols ||
                        top + stats.at<int>(i, cv::CC_STAT_HEIGHT) == mask.rows;
      if (!edge && stats.at<int>(i, cv::CC_STAT_AREA) < max_hole_px) mask.at<uint8_t>(y, x) = 255;
    }
  }
}

cv::Mat plain_segment(const Image& picture, const SegmentOptions& options) {
  const cv::Mat rgb(picture.height(), picture.width(), CV_8UC3,
                    const_cast<uint8_t*>(picture.row(0)));
  cv::Mat smoothed, mask(rgb.rows, rgb.cols, CV_8UC1);
  cv::GaussianBlur(rgb, smoothed, cv::Size(3, 3), 0.8, 0.8, cv::BORDER_REPLICATE);
  Histogram histogram{};
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const auto soft = smoothed.at<cv::Vec3b>(y, x), sharp = rgb.at<cv::Vec3b>(y, x);
      const bool dark = std::max({soft[0], soft[1], soft[2]}) < 32;
      const bool white = std::min({sharp[0], sharp[1], sharp[2]}) >= 250;
      const int saturation = plain_saturation(soft);
      if (!dark) ++histogram[size_t(saturation)];
      mask.at<uint8_t>(y, x) = uint8_t(dark || white ? 0 : saturation);
    }
  }
  const double threshold = std::floor(find_threshold(histogram, options.min_saturation));
  cv::threshold(mask, mask, threshold, 255, cv::THRESH_BINARY);
  const cv::Mat disc = cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(3, 3));
  cv::morphologyEx(mask, mask, cv::MORPH_CLOSE, disc);
  cv::morphologyEx(mask, mask, cv::MORPH_OPEN, disc);
  plain_components(mask, options.min_area_px, options.max_hole_px);
  return mask;
}

bool same(const Image& mask, const cv::Mat& plain) {
  for (int y = 0; y < plain.rows; ++y) {
    if (!std::equal(mask.row(y), mask.row(y) + plain.cols, plain.ptr<uint8_t>(y))) return false;
  }
  return mask.width() == plain.cols && mask.height() == plain.rows;
}

// Blots of all sizes and colours, noise, black and white.
Image blots(int width, int height, uint64_t seed) {
  Random random(seed);
  Image image(width, height, 3, 243);
  for (int i = 0; i < 3 + width * height / 400; ++i) {
    const int x0 = int(random.below(uint64_t(width))), y0 = int(random.below(uint64_t(height)));
    const int radius = 1 + int(random.below(i % 10 ? 4 : 40));
    const std::array<uint8_t, 3> colour = {uint8_t(random.below(256)), uint8_t(random.below(256)),
                                           uint8_t(random.below(256))};
    for (int y = std::max(0, y0 - radius); y < std::min(height, y0 + radius); ++y) {
      for (int x = std::max(0, x0 - radius); x < std::min(width, x0 + radius); ++x) {
        if ((x - x0) * (x - x0) + (y - y0) * (y - y0) > radius * radius) continue;
        for (size_t c = 0; c < 3; ++c) image.row(y)[3 * x + int(c)] = i % 3 ? colour[c] : 243;
      }
    }
  }
  return image;
}

TEST(Segment, IsThePlainVersionForAnySizeAndThreads) {
  const SizePx sizes[] = {{1, 1},    {7, 3},     {90, 127},  {90, 128}, {90, 129},
                          {64, 260}, {301, 133}, {200, 516}, {1, 300},  {300, 1}};
  uint64_t seed = 1;
  int64_t tissue = 0, pixels = 0;
  for (const SizePx& size : sizes) {
    for (const double limit : {0.0, 9.0, 60.0, 2000.0}) {
      const Image picture = blots(int(size.width), int(size.height), seed++);
      const SegmentOptions options{.min_area_px = limit, .max_hole_px = limit / 2};
      const cv::Mat plain = plain_segment(picture, options);
      tissue += cv::countNonZero(plain);
      pixels += plain.rows * plain.cols;
      for (const int threads : {1, 3}) {
        Context context;
        context.threads = threads;
        EXPECT_TRUE(same(segment_tissue(picture.view(), options, context).mask, plain))
            << size.width << " x " << size.height << ", limit " << limit;
      }
    }
  }
  EXPECT_GT(tissue, pixels / 10);
  EXPECT_LT(tissue, pixels * 9 / 10);
}

TEST(Components, AreThePlainOnesOnNoise) {
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    const int width = 1 + int(random.below(60)), height = 1 + int(random.below(60));
    const uint64_t dense = 5 + random.below(90);
    Image mask(width, height, 1);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) mask.row(y)[x] = random.below(100) < dense ? 255 : 0;
    }
    cv::Mat plain = cv::Mat(height, width, CV_8UC1, mask.row(0)).clone();
    const double area = double(random.below(30)), hole = double(random.below(30));
    plain_components(plain, area, hole);
    drop_small_pieces(mask.view(), area);
    fill_small_holes(mask.view(), hole);
    EXPECT_TRUE(same(mask, plain)) << i << ": " << width << " x " << height;
  }
}

TEST(Components, ByHand) {
  // Corners join pieces, not holes.
  const std::vector<std::string> drawn = {"#..####", ".#.#.##", "...##.#", "#..####"};
  Image mask(7, 4, 1);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 7; ++x) mask.row(y)[x] = drawn[size_t(y)][size_t(x)] == '#' ? 255 : 0;
  }
  drop_small_pieces(mask.view(), 2);
  EXPECT_EQ(mask.row(0)[0], 255) << "two pixels that touch at a corner";
  EXPECT_EQ(mask.row(3)[0], 0) << "one pixel";
  fill_small_holes(mask.view(), 2);
  EXPECT_EQ(mask.row(1)[4], 255) << "two holes of one pixel each";
  EXPECT_EQ(mask.row(2)[5], 255);
  EXPECT_EQ(mask.row(3)[0], 0) << "reaches the edge";
}

}  // namespace
}  // namespace lamella::tissue
