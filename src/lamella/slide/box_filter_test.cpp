// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/box_filter_internal.h"

namespace lamella::slide {
namespace {

// The definition, in floating point: overlap areas of every source pixel.
Image by_definition(const Image& from, int width, int height) {
  Image to(width, height);
  const double step_x = double(from.width()) / width, step_y = double(from.height()) / height;
  const auto overlap = [](double a0, double a1, double b) {
    return std::max(0.0, std::min(a1, b + 1) - std::max(a0, b));
  };
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) {
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        for (int y = 0; y < from.height(); ++y) {
          for (int x = 0; x < from.width(); ++x) {
            sum += overlap(i * step_x, (i + 1) * step_x, x) *
                   overlap(j * step_y, (j + 1) * step_y, y) * from.row(y)[3 * x + c];
          }
        }
        to.row(j)[3 * i + c] = static_cast<uint8_t>(std::lround(sum / (step_x * step_y)));
      }
    }
  }
  return to;
}

Image reduce(const Image& from, int width, int height, int rows_at_once) {
  BoxFilter filter({from.width(), from.height()}, {width, height});
  for (int y = 0; y < from.height(); y += rows_at_once) {
    filter.add_rows(
        crop(from.view(), {0, y, from.width(), std::min(rows_at_once, from.height() - y)}));
  }
  return filter.take();
}

TEST(BoxFilter, AveragesWholeAndPartPixels) {
  Image row(3, 1);
  for (int x = 0; x < 3; ++x) std::fill_n(row.row(0) + 3 * x, 3, static_cast<uint8_t>(x * 90));
  const Image two = reduce(row, 2, 1, 1);
  EXPECT_EQ(two.row(0)[0], 30);   // (1 * 0 + 0.5 * 90) / 1.5
  EXPECT_EQ(two.row(0)[3], 150);  // (0.5 * 90 + 1 * 180) / 1.5
  EXPECT_EQ(reduce(row, 1, 1, 1).row(0)[0], 90);
}

TEST(BoxFilter, EqualsTheDefinitionWithinRounding) {
  Random random(3);
  Image image(53, 37);
  for (int y = 0; y < image.height(); ++y) {
    std::generate_n(image.row(y), 3 * image.width(),
                    [&] { return static_cast<uint8_t>(random.below(256)); });
  }
  for (const auto& [width, height] : {std::pair(53, 37), {52, 36}, {20, 11}, {1, 1}, {53, 1}}) {
    const Image expected = by_definition(image, width, height);
    const Image seen = reduce(image, width, height, 5);
    EXPECT_TRUE(seen == reduce(image, width, height, 37));
    for (size_t i = 0; i < expected.bytes().size(); ++i) {
      // A sum of exactly a half may round differently in floating point.
      ASSERT_NEAR(seen.bytes()[i], expected.bytes()[i], 1) << width << "x" << height;
    }
  }
  EXPECT_TRUE(reduce(image, 53, 37, 4) == image);
}

TEST(BoxFilter, RefusesToEnlarge) {
  EXPECT_THROW(BoxFilter({10, 10}, {11, 10}), Error);
  EXPECT_THROW(BoxFilter({10, 10}, {10, 0}), Error);
  EXPECT_THROW(BoxFilter({int64_t{1} << 30, int64_t{1} << 30}, {10, 10}), Error);
}

}  // namespace
}  // namespace lamella::slide
