// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {
namespace {

Image random_image(int width, int height, uint64_t seed) {
  Random random(seed);
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.row(y)[x] = uint8_t(random.below(256));
  }
  return image;
}

// One row of grey pixels, as RGB with the channels shifted by 0, 1, 2.
Image row_of(const std::vector<int>& values) {
  Image image(static_cast<int>(values.size()), 1, 3);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t c = 0; c < 3; ++c)
      image.row(0)[3 * i + c] = static_cast<uint8_t>(values[i] + int(c));
  }
  return image;
}

// The window [x, x + w) x [y, y + h) of `image` at out_w x out_h.
Image resampled(const Image& image, const RectF& window, int out_w, int out_h) {
  const ResampleAxis x(window.x, window.width, out_w), y(window.y, window.height, out_h);
  const ImageView part =
      crop(image.view(), RectPx{x.first_px(), y.first_px(), x.length_px(), y.length_px()});
  Image out(out_w, out_h, 3);
  ResampleScratch scratch;
  resample(part, x, y, out.view(), scratch);
  return out;
}

std::vector<int> row_values(const Image& image, int channel = 0) {
  std::vector<int> values;
  for (int x = 0; x < image.width(); ++x) values.push_back(image.row(0)[3 * x + channel]);
  return values;
}

ImageView const_view(const Image& image) { return image.view(); }

TEST(Resample, NothingToDoIsACopy) {
  const Image image = random_image(20, 15, 1);
  const Image out = resampled(image, {3, 2, 10, 10}, 10, 10);
  Image expected(10, 10, 3);
  copy_pixels(crop(const_view(image), RectPx{3, 2, 10, 10}), expected.view());
  EXPECT_EQ(out, expected);
  EXPECT_TRUE(ResampleAxis(3, 10, 10).is_copy());
  EXPECT_FALSE(ResampleAxis(3.5, 10, 10).is_copy());
}

TEST(Resample, AreaByHand) {
  const Image row = row_of({10, 20, 30, 40, 50, 60});
  EXPECT_EQ(row_values(resampled(row, {0, 0, 6, 1}, 3, 1)), (std::vector<int>{15, 35, 55}));
  EXPECT_EQ(row_values(resampled(row, {0, 0, 6, 1}, 3, 1), 2), (std::vector<int>{17, 37, 57}));
  EXPECT_EQ(row_values(resampled(row, {0, 0, 6, 1}, 2, 1)), (std::vector<int>{20, 50}));
  // 1.5 px each: (10 + 20 / 2) / 1.5 = 13.3, (20 / 2 + 30) / 1.5 = 26.7, 43.3, 56.7
  EXPECT_EQ(row_values(resampled(row, {0, 0, 6, 1}, 4, 1)), (std::vector<int>{13, 27, 43, 57}));
  // A window from 0.5: (10 / 2 + 20 + 30 / 2) / 2 = 20, then 40.
  EXPECT_EQ(row_values(resampled(row, {0.5, 0, 4, 1}, 2, 1)), (std::vector<int>{20, 40}));
  // Same size, half a pixel on: the mean of neighbours.
  EXPECT_EQ(row_values(resampled(row, {0.5, 0, 3, 1}, 3, 1)), (std::vector<int>{15, 25, 35}));
}

TEST(Resample, RoundsHalfUp) {
  EXPECT_EQ(row_values(resampled(row_of({0, 1}), {0, 0, 2, 1}, 1, 1))[0], 1) << "0.5";
  EXPECT_EQ(row_values(resampled(row_of({1, 2}), {0, 0, 2, 1}, 1, 1))[0], 2) << "1.5";
  EXPECT_EQ(row_values(resampled(row_of({0, 0, 1}), {0, 0, 3, 1}, 1, 1))[0], 0) << "1/3";
  EXPECT_EQ(row_values(resampled(row_of({0, 0, 0, 1, 1, 1}), {0, 0, 6, 1}, 1, 1))[0], 1) << "3/6";
  EXPECT_EQ(row_values(resampled(row_of({253, 253}), {0, 0, 2, 1}, 1, 1), 2)[0], 255);
}

TEST(Resample, BilinearByHand) {
  // Twice as wide: samples at -0.25, 0.25, 0.75, 1.25, clamped at both ends.
  EXPECT_EQ(row_values(resampled(row_of({0, 100}), {0, 0, 2, 1}, 4, 1)),
            (std::vector<int>{0, 25, 75, 100}));
  // Two to three: -1/6, 1/2, 7/6.
  EXPECT_EQ(row_values(resampled(row_of({10, 51}), {0, 0, 2, 1}, 3, 1)),
            (std::vector<int>{10, 31, 51}));
  EXPECT_EQ(row_values(resampled(row_of({7}), {0, 0, 1, 1}, 5, 1)),
            (std::vector<int>{7, 7, 7, 7, 7}));
  // Pixels beyond the window are not used.
  EXPECT_EQ(row_values(resampled(row_of({200, 0, 100, 200}), {1, 0, 2, 1}, 4, 1)),
            (std::vector<int>{0, 25, 75, 100}));
}

// The specification, in two plain loops of doubles.
double plain_area(const Image& image, const RectF& w, int out_w, int out_h, int o, int p, int c) {
  const double sx = w.width / out_w, sy = w.height / out_h;
  double sum = 0;
  for (int y = 0; y < image.height(); ++y) {
    const double h = std::min(w.y + (p + 1) * sy, y + 1.0) - std::max(w.y + p * sy, double(y));
    for (int x = 0; x < image.width() && h > 0; ++x) {
      const double v = std::min(w.x + (o + 1) * sx, x + 1.0) - std::max(w.x + o * sx, double(x));
      if (v > 0) sum += v * h * image.row(y)[3 * x + c];
    }
  }
  return sum / (sx * sy);
}

double plain_linear(const Image& image, const RectF& w, int out_w, int out_h, int o, int p, int c) {
  const auto axis = [](double begin, double extent, int out, int i) {
    const double centre = begin + (i + 0.5) * extent / out - 0.5;
    const double first = std::floor(begin), last = std::ceil(begin + extent) - 1;
    return std::clamp(centre, first, last);
  };
  const double x = axis(w.x, w.width, out_w, o), y = axis(w.y, w.height, out_h, p);
  const int x0 = int(x), y0 = int(y);
  const int x1 = std::min(x0 + 1, image.width() - 1), y1 = std::min(y0 + 1, image.height() - 1);
  const double fx = x - x0, fy = y - y0;
  const auto at = [&](int px, int py) { return double(image.row(py)[3 * px + c]); };
  return (1 - fy) * ((1 - fx) * at(x0, y0) + fx * at(x1, y0)) +
         fy * ((1 - fx) * at(x0, y1) + fx * at(x1, y1));
}

TEST(Resample, AreaAgreesWithThePlainVersion) {
  const Image image = random_image(90, 80, 2);
  for (const RectF w : {RectF{0, 0, 80, 80}, RectF{3.3, 5.7, 60.5, 44.25}, RectF{1, 2, 31.7, 32.9},
                        RectF{0.5, 0.25, 17, 17}}) {
    const Image out = resampled(image, w, 16, 17);
    for (int p = 0; p < 17; ++p) {
      for (int o = 0; o < 16; ++o) {
        const double expected = plain_area(image, w, 16, 17, o, p, 1);
        EXPECT_NEAR(out.row(p)[3 * o + 1], expected, 0.55) << o << "," << p;
      }
    }
  }
}

TEST(Resample, AreaByWholeFactorsIsExact) {
  const Image image = random_image(96, 96, 3);
  for (const int factor : {2, 3, 4, 6, 8}) {
    const int out_px = 96 / factor;
    const Image out = resampled(image, {0, 0, 96, 96}, out_px, out_px);
    for (int p = 0; p < out_px; ++p) {
      for (int i = 0; i < 3 * out_px; ++i) {
        int sum = 0;
        for (int y = 0; y < factor; ++y) {
          for (int x = 0; x < factor; ++x) {
            sum += image.row(p * factor + y)[3 * (i / 3 * factor + x) + i % 3];
          }
        }
        const int n = factor * factor;
        EXPECT_EQ(out.row(p)[i], (2 * sum + n) / (2 * n)) << factor;
      }
    }
  }
}

TEST(Resample, BilinearAgreesWithThePlainVersion) {
  const Image image = random_image(60, 60, 4);
  for (const RectF w : {RectF{0, 0, 50, 50}, RectF{5, 5, 50, 50}, RectF{2.4, 3.6, 31.3, 20.9}}) {
    const Image out = resampled(image, w, 224, 100);
    for (int p = 0; p < 100; ++p) {
      for (int o = 0; o < 224; ++o) {
        EXPECT_NEAR(out.row(p)[3 * o], plain_linear(image, w, 224, 100, o, p, 0), 0.75)
            << o << "," << p;
      }
    }
  }
}

TEST(Resample, AxesMayDiffer) {
  const Image image = random_image(60, 60, 5);
  const RectF w{4, 6, 40, 10};
  const Image out = resampled(image, w, 20, 20);  // half as wide, twice as high
  Image halved(20, 60, 3);
  for (int y = 0; y < 60; ++y) {
    for (int i = 0; i < 60; ++i) {
      const int x = 4 + i / 3 * 2;
      // Rounded down: up to a half too low.
      halved.row(y)[i] =
          uint8_t((image.row(y)[3 * x + i % 3] + image.row(y)[3 * x + 3 + i % 3]) / 2);
    }
  }
  for (int p = 0; p < 20; ++p) {
    for (int o = 0; o < 20; ++o) {
      const double expected = plain_linear(halved, {0, 6, 20, 10}, 20, 20, o, p, 2);
      EXPECT_NEAR(out.row(p)[3 * o + 2], expected + 0.25, 1.0);
    }
  }
}

TEST(Resample, PatchesOfALargerWindowHaveNoSeams) {
  const Image image = random_image(200, 50, 6);
  for (const double scale : {4.0, 2.5, 3.2, 8.016}) {
    const double begin = 1.25, extent = 10 * scale;
    const Image whole = resampled(image, {begin, 0, 2 * extent, 40}, 20, 10);
    const Image left = resampled(image, {begin, 0, extent, 40}, 10, 10);
    const Image right = resampled(image, {begin + extent, 0, extent, 40}, 10, 10);
    for (int y = 0; y < 10; ++y) {
      EXPECT_TRUE(std::equal(left.row(y), left.row(y) + 30, whole.row(y))) << scale;
      EXPECT_TRUE(std::equal(right.row(y), right.row(y) + 30, whole.row(y) + 30)) << scale;
    }
  }
}

TEST(Resample, ExtremesStayInRange) {
  Image white(2048, 512, 3, 255);
  const Image out = resampled(white, {0.3, 0.7, 2047, 511}, 8, 2);
  for (const uint8_t value : out.bytes()) EXPECT_EQ(value, 255);
  EXPECT_EQ(resampled(Image(512, 512, 3, 255), {0, 0, 512, 512}, 2, 2), Image(2, 2, 3, 255));
  EXPECT_THROW(ResampleAxis(0, 1000, 3), Error) << "more than 256-fold";
  EXPECT_THROW(ResampleAxis(0, std::nan(""), 3), Error);
}

}  // namespace
}  // namespace lamella::patch
