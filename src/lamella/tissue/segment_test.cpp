// SPDX-License-Identifier: Apache-2.0
// Segmentation beside its plain version: whole pictures at once, one neighbourhood after the other,
// labels for every pixel.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "lamella/base/random.h"
#include "lamella/tissue/components_internal.h"
#include "lamella/tissue/density_internal.h"
#include "lamella/tissue/segment_internal.h"
#include "lamella/tissue/shape_internal.h"
#include "lamella/tissue/stained_internal.h"

namespace lamella::tissue {
namespace {

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

using Inside = std::function<bool(int dx, int dy)>;

Inside square(int side) {
  return [side](int dx, int dy) { return std::max(std::abs(dx), std::abs(dy)) <= side / 2; };
}

// A square of half side a and n crosses.
Inside octagon(int radius) {
  const int n = radius * 2 / 5, a = radius - n;
  return [a, n](int dx, int dy) {
    return std::max(std::abs(dx) - a, 0) + std::max(std::abs(dy) - a, 0) <= n;
  };
}

// 1 where any (or, `all`, every) pixel of the element that lies in the picture is set.
Image plain_morphology(const Image& mask, int reach, const Inside& element, bool all) {
  Image result(mask.width(), mask.height(), 1);
  for (int y = 0; y < mask.height(); ++y) {
    for (int x = 0; x < mask.width(); ++x) {
      bool any_set = false, every_set = true;
      for (int v = std::max(0, y - reach); v <= std::min(mask.height() - 1, y + reach); ++v) {
        for (int u = std::max(0, x - reach); u <= std::min(mask.width() - 1, x + reach); ++u) {
          if (!element(u - x, v - y)) continue;
          any_set = any_set || mask.row(v)[u];
          every_set = every_set && mask.row(v)[u];
        }
      }
      result.row(y)[x] = all ? every_set : any_set;
    }
  }
  return result;
}

Image plain_close(const Image& mask, int radius) {
  const Inside element = octagon(radius);
  return plain_morphology(plain_morphology(mask, radius, element, false), radius, element, true);
}

Image plain_open(const Image& mask, int reach, const Inside& element) {
  return plain_morphology(plain_morphology(mask, reach, element, true), reach, element, false);
}

Image plain_walls(const Image& stained) {
  const Image solid = plain_morphology(plain_open(stained, 2, square(5)), 1, square(3), false);
  Image walls = stained;
  for (int y = 0; y < walls.height(); ++y) {
    for (int x = 0; x < walls.width(); ++x) {
      if (solid.row(y)[x]) walls.row(y)[x] = 0;
    }
  }
  return walls;
}

// As close_tissue.
Image plain_close_tissue(const Image& stained, const Image& barred, const ShapeOptions& options) {
  Image closed = plain_close(stained, options.gap_px);
  const Image wide = plain_close(stained, options.air_px), walls = plain_walls(stained);
  for (int y = 0; y < closed.height(); ++y) {
    for (int x = 0; x < closed.width(); ++x) {
      int near = 0;
      for (int v = std::max(0, y - 16); v <= std::min(closed.height() - 1, y + 16); ++v) {
        for (int u = std::max(0, x - 16); u <= std::min(closed.width() - 1, x + 16); ++u) {
          near += walls.row(v)[u];
        }
      }
      // 7 % of 33 x 33 is 76.
      if (near > 76 && wide.row(y)[x]) closed.row(y)[x] = 1;
      if (!barred.empty() && barred.row(y)[x]) closed.row(y)[x] = 0;
    }
  }
  const Inside cross = [](int dx, int dy) { return std::abs(dx) + std::abs(dy) <= 1; };
  Image opened = plain_open(closed, 1, cross);
  for (int y = 0; y < opened.height(); ++y) {
    for (int x = 0; x < opened.width(); ++x) opened.row(y)[x] = opened.row(y)[x] ? 255 : 0;
  }
  return opened;
}

// The steps of segment_tissue on the whole picture.
cv::Mat plain_segment(Image picture, const SegmentOptions& options) {
  const int width = picture.width(), height = picture.height();
  Image flags(width, height, 1), steps(width, height, 1), stained(width, height, 1);
  FlagScratch scratch;
  const Glass glass =
      find_glass(flag_rows(picture.view(), flags.view(), {0, height, {}, {}}, scratch));
  const DensityTable table = density_table(glass);
  UnevenGlass uneven(width, height);
  for (int row = 0; row < uneven.rows(); ++row) {
    uneven.measure(picture.view(), flags.view(), table, row);
  }
  uneven.complete();
  const DensityCounts counts =
      measure_density({picture.view(), table, glass.found ? &uneven : nullptr}, 0, height,
                      flags.view(), steps.view());
  StainedInput input;
  input.picture = picture.view(), input.flags = flags.view(), input.steps = steps.view();
  input.coloured = counts.is_coloured();
  input.step = std::clamp(7 * counts.strong_step() / 100, 7, 14);
  const Image barred = find_barred(input, counts, options.min_ink_px);
  if (!barred.empty()) input.barred = barred.view();
  cv::Mat densest;
  mark_stained(input, 0, height, densest, stained.view());
  const Image closed = plain_close_tissue(stained, barred, options.shape);
  cv::Mat mask = cv::Mat(height, width, CV_8UC1, const_cast<uint8_t*>(closed.row(0))).clone();
  plain_components(mask, options.min_area_px, options.max_hole_px);
  clear_barred(input.barred, {mask.data, width, height, 1, static_cast<ptrdiff_t>(mask.step)});
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

TEST(Glass, ByHand) {
  const auto add = [](BrightCounts& counts, size_t luminance, int64_t pixels,
                      std::array<int64_t, 3> rgb) {
    counts.pixels[luminance] += pixels;
    counts.lit += pixels;
    for (size_t c = 0; c < 3; ++c) counts.colour_sums[luminance][c] += pixels * rgb[c];
  };
  BrightCounts counts;
  EXPECT_FALSE(find_glass(counts).found) << "nothing";
  add(counts, 200, 1000, {200, 200, 200});  // pale tissue, or a shadow
  add(counts, 240, 300, {240, 241, 238});   // brighter, and more than a quarter of it
  add(counts, 241, 100, {244, 241, 238});
  const Glass glass = find_glass(counts);
  ASSERT_TRUE(glass.found);
  // (300 * 240 + 100 * 244) / 400
  EXPECT_EQ(glass.colour, (std::array<double, 3>{241, 241, 238}));
  add(counts, 250, 99, {250, 250, 250});  // too few for the peak
  EXPECT_EQ(find_glass(counts).colour[0], 241);

  BrightCounts stained;
  add(stained, 200, 1000, {225, 185, 205});
  EXPECT_FALSE(find_glass(stained).found) << "-ln(185 / 255) = 0.32 in green, 0.22 in blue";
  BrightCounts yellow;
  add(yellow, 225, 1000, {240, 228, 186});
  EXPECT_TRUE(find_glass(yellow).found);
  BrightCounts white;
  white.lit = white.flat_white = 5000;
  EXPECT_EQ(find_glass(white).colour[1], 255) << "pure white, if there is nothing else";
  add(white, 240, 60, {240, 240, 240});
  EXPECT_EQ(find_glass(white).colour[1], 240);
}

TEST(Density, TableByHand) {
  const DensityTable table = density_table({{200, 255, 100}, true});
  EXPECT_EQ(table[0][200], 0);
  EXPECT_EQ(table[0][100], 693);   // ln 2
  EXPECT_EQ(table[0][255], -243);  // -ln(255 / 200)
  EXPECT_EQ(table[2][10], 2303);   // ln 10
  EXPECT_EQ(table[2][0], 4605) << "as 1";
}

TEST(UnevenGlass, ByHand) {
  // Two cells: 200, and 190, which is -1000 ln(190 / 200) = 51.
  Image picture(64, 32, 3, 200), flags(64, 32, 1, kFlat);
  for (int y = 0; y < 32; ++y) std::fill_n(picture.row(y) + 3 * 32, 3 * 32, uint8_t{190});
  UnevenGlass glass(64, 32);
  glass.measure(picture.view(), flags.view(), density_table({{200, 200, 200}, true}), 0);
  glass.complete();
  std::vector<int16_t> row;
  glass.row(7, row);
  // Smoothed: (3 * 0 + 51) / 4 = 12 and (0 + 3 * 51) / 4 = 38, at the cells' centres and beyond;
  // between them at x = 32: 33 of 64 on the way, (31 * 12 + 33 * 38) / 64 = 25.4.
  EXPECT_EQ(row[0], 12);
  EXPECT_EQ(row[45], 12);
  EXPECT_EQ(row[96], 25);
  EXPECT_EQ(row[191], 38);
  EXPECT_EQ(glass.least_near(0, 0)[1], 12);
}

TEST(UnevenGlass, CellsWithoutGlassTakeTheirNeighbours) {
  // Glass of 200 in the first and last of five cells; between them nothing is flat.
  Image picture(160, 32, 3, 200), flags(160, 32, 1);
  for (int y = 0; y < 32; ++y) {
    std::fill_n(flags.row(y), 32, uint8_t{kFlat});
    std::fill_n(flags.row(y) + 128, 32, uint8_t{kFlat});
    std::fill_n(picture.row(y) + 3 * 128, 3 * 32, uint8_t{190});
  }
  UnevenGlass glass(160, 32);
  glass.measure(picture.view(), flags.view(), density_table({{200, 200, 200}, true}), 0);
  glass.complete();
  std::vector<int16_t> row;
  glass.row(0, row);
  // 0, 0, (0 + 51) / 2 = 25, 51, 51; smoothed at the middle: (0 + 50 + 51) / 4 = 25.
  EXPECT_EQ(row[0], 0);
  EXPECT_NEAR(row[240], 25, 1);
  EXPECT_EQ(row[477], 51);
}

struct Measured {
  int step;
  uint8_t flags;
  DensityCounts counts;
};

// One pixel on glass of 240.
Measured measure(std::array<uint8_t, 3> rgb, uint8_t flags) {
  Image picture(1, 1, 3), flag(1, 1, 1, flags), step(1, 1, 1);
  std::copy(rgb.begin(), rgb.end(), picture.row(0));
  const DensityTable table = density_table({{240, 240, 240}, true});
  const DensityCounts counts =
      measure_density({picture.view(), table, nullptr}, 0, 1, flag.view(), step.view());
  return {step.row(0)[0], flag.row(0)[0], counts};
}

TEST(Density, HuesByHand) {
  // Eosin: densities 43, 470, 182 of 1000; 470 * 0.4 = 188.
  const Measured eosin = measure({230, 150, 200}, kEven | kFlat);
  EXPECT_EQ(eosin.step, 188);
  EXPECT_EQ(eosin.flags, kEven | kColoured) << "kFlat is gone";
  EXPECT_EQ(eosin.counts.dense, 1);
  EXPECT_EQ(eosin.counts.coloured, 1);
  EXPECT_EQ(eosin.counts.absorbed, (std::array<int64_t, 3>{43, 470, 182}));
  // Blood: 204, 1099, 875: red absorbs 0.19 of green, more than red ink.
  EXPECT_EQ(measure({196, 80, 100}, kEven).flags & kInk, 0);
  // Red ink: 182, 1792, 1386.
  EXPECT_EQ(measure({200, 40, 60}, kEven).flags & kInk, kInk);
  EXPECT_EQ(measure({200, 40, 60}, 0).flags & kInk, 0) << "uneven, as tissue is";
  EXPECT_EQ(measure({200, 40, 60}, 0).flags & kMaybeInk, kMaybeInk);
  // Hematoxylin: 693, 827, 470. Blue ink: 1792, 1232, 381.
  EXPECT_EQ(measure({120, 105, 150}, kEven).flags & (kInk | kMaybeInk), 0);
  EXPECT_EQ(measure({40, 70, 164}, kEven).flags & kInk, kInk);
  // Green ink: 2079, 598, 1163; of whatever texture.
  EXPECT_EQ(measure({30, 132, 75}, 0).flags & kInk, kInk);
  // Black ink: 1842, 1895, 1792; neutral.
  const Measured black = measure({38, 36, 40}, kEven);
  EXPECT_EQ(black.flags, kEven | kMaybeInk | kBlackInk | kBlackestInk);
  EXPECT_EQ(black.counts.dense, 0) << "ink does not count";
  // A shadow: 288 in each channel.
  EXPECT_EQ(measure({180, 180, 180}, kEven).flags & (kColoured | kInk), 0);
  // DAB: 288, 779, 1232.
  EXPECT_EQ(measure({180, 110, 70}, kEven).flags, kEven | kColoured);
  EXPECT_EQ(measure({240, 240, 240}, kFlat).step, 0);
  EXPECT_EQ(measure({255, 255, 255}, kWhite).step, 0) << "lighter than glass";
}

TEST(Density, StrongStepByHand) {
  DensityCounts counts;
  EXPECT_EQ(counts.strong_step(), 0);
  counts.steps[20] = 89;
  counts.steps[100] = 11;
  EXPECT_EQ(counts.strong_step(), 100);
  counts.steps[20] = 99;  // 99 of 110 are nine tenths
  EXPECT_EQ(counts.strong_step(), 20);
}

TEST(Close, IsThePlainVersionOnNoise) {
  Random random(5);
  for (int i = 0; i < 24; ++i) {
    const int width = 1 + int(random.below(70)), height = 1 + int(random.below(i % 4 ? 70 : 330));
    const uint64_t dense = 2 + random.below(30);
    Image stained(width, height, 1), barred(width, height, 1), mask(width, height, 1);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        stained.row(y)[x] = random.below(100) < dense;
        barred.row(y)[x] = random.below(100) < 2;
      }
    }
    if (i % 3 == 0) barred = Image();
    const ShapeOptions options{int(random.below(7)), int(random.below(14))};
    const ImageView bars = barred.empty() ? ImageView{} : std::as_const(barred).view();
    close_tissue(stained.view(), bars, options, mask.view(), 1 + i % 3);
    EXPECT_EQ(mask, plain_close_tissue(stained, barred, options))
        << i << ": " << width << " x " << height << ", " << options.gap_px << ", "
        << options.air_px;
  }
}

TEST(Close, ByHand) {
  // Two bars of 6 px, 10 px apart, are joined by a radius of 5, not of 4.
  Image stained(50, 20, 1), mask(50, 20, 1);
  for (int y = 0; y < 20; ++y) {
    std::fill_n(stained.row(y) + 12, 6, uint8_t{1});
    std::fill_n(stained.row(y) + 28, 6, uint8_t{1});
  }
  close_tissue(stained.view(), {}, {5, 0}, mask.view(), 1);
  EXPECT_EQ(std::count(mask.row(10), mask.row(10) + 50, 255), 22);
  close_tissue(stained.view(), {}, {4, 0}, mask.view(), 1);
  EXPECT_EQ(std::count(mask.row(10), mask.row(10) + 50, 255), 12);
  // Walls of 1 px, 20 px apart, a net: 41 of 441 px are wall, 9 %.
  Image net(105, 105, 1), filled(105, 105, 1);
  for (int y = 0; y < 105; ++y) {
    for (int x = 0; x < 105; ++x) net.row(y)[x] = x % 21 == 0 || y % 21 == 0;
  }
  close_tissue(net.view(), {}, {5, 12}, filled.view(), 1);
  EXPECT_EQ(filled.row(52)[52], 255);
  close_tissue(net.view(), {}, {5, 5}, filled.view(), 1);
  EXPECT_EQ(filled.row(52)[52], 0);
}

TEST(Segment, IsThePlainVersionForAnySizeAndThreads) {
  const SizePx sizes[] = {{1, 1},    {7, 3},     {90, 127},  {90, 128}, {90, 129},
                          {64, 260}, {101, 133}, {100, 516}, {1, 300},  {300, 1}};
  uint64_t seed = 1;
  int64_t tissue = 0, pixels = 0;
  for (const SizePx& size : sizes) {
    for (const double limit : {0.0, 9.0, 60.0, 2000.0}) {
      const Image picture = blots(int(size.width), int(size.height), seed++);
      SegmentOptions options;
      options.min_area_px = limit, options.max_hole_px = limit / 2;
      options.shape = {int(seed % 4), int(seed % 7)};
      const cv::Mat plain = plain_segment(picture, options);
      tissue += cv::countNonZero(plain);
      pixels += plain.rows * plain.cols;
      for (const int threads : {1, 3}) {
        Context context;
        context.threads = threads;
        EXPECT_TRUE(same(segment_tissue(picture, options, context).mask, plain))
            << size.width << " x " << size.height << ", limit " << limit;
      }
    }
  }
  EXPECT_GT(tissue, pixels / 10);
  EXPECT_LT(tissue, pixels * 9 / 10);
}

TEST(Segment, GreyPicturesAreThePlainVersion) {
  Image picture = blots(120, 300, 77);
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      std::fill_n(picture.row(y) + 3 * x, 3, picture.row(y)[3 * x + 1]);
    }
  }
  SegmentOptions options;
  options.min_area_px = 20;
  Context three;
  three.threads = 3;
  const Segmentation found = segment_tissue(picture, options, three);
  EXPECT_FALSE(found.look.coloured);
  EXPECT_TRUE(same(found.mask, plain_segment(picture, options)));
}

TEST(Components, StraightLinesByHand) {
  Image mask(300, 100, 1);
  for (int y = 20; y < 24; ++y) std::fill_n(mask.row(y), 300, uint8_t{255});  // an edge
  for (int y = 40; y < 60; ++y) std::fill_n(mask.row(y), 300, uint8_t{255});  // too wide
  for (int y = 70; y < 74; ++y) std::fill_n(mask.row(y), 100, uint8_t{255});  // too short
  for (int x = 110; x < 300; ++x) {  // a curve: 20 px off its chord in the middle
    const int at = 75 + (x - 110) * (299 - x) / 450;
    for (int y = at; y < at + 4; ++y) mask.row(std::min(y, 99))[x] = 255;
  }
  drop_straight_lines(mask.view(), 150, 14);
  EXPECT_EQ(mask.row(22)[150], 0);
  EXPECT_EQ(mask.row(50)[150], 255);
  EXPECT_EQ(mask.row(72)[50], 255);
  EXPECT_EQ(mask.row(76)[111], 255);
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
