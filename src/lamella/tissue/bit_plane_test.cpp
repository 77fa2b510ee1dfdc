// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "lamella/tissue/bit_plane_internal.h"

namespace lamella::tissue {
namespace {

Image noise(int width, int height, double ones) {
  Image picture(width, height, 1);
  std::mt19937_64 random(static_cast<uint64_t>(width * height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture.row(y)[x] = static_cast<double>(random() % 10'000) < 10'000 * ones ? 7 : 0;
    }
  }
  return picture;
}

// Any (dilate) or all (erode) of the pixels within `reach` on the picture for which `inside` holds.
template <typename Inside>
Image plain(const Image& from, int reach, bool all, const Inside& inside) {
  Image to(from.width(), from.height(), 1);
  for (int y = 0; y < to.height(); ++y) {
    for (int x = 0; x < to.width(); ++x) {
      bool found = all;
      for (int v = std::max(0, y - reach); v <= std::min(to.height() - 1, y + reach); ++v) {
        for (int u = std::max(0, x - reach); u <= std::min(to.width() - 1, x + reach); ++u) {
          if (!inside(u - x, v - y)) continue;
          const bool one = from.row(v)[u] != 0;
          found = all ? found && one : found || one;
        }
      }
      to.row(y)[x] = found ? 255 : 0;
    }
  }
  return to;
}

bool square(int, int) { return true; }
bool cross(int x, int y) { return x == 0 || y == 0; }

Image stored(const BitPlane& plane) {
  Image picture(plane.width(), plane.height(), 1);
  plane.store(0, 255, picture.view());
  return picture;
}

TEST(BitPlane, IsThePlainVersionForAnySize) {
  for (const auto& [width, height] : {std::pair{1, 1}, {63, 5}, {64, 9}, {65, 3}, {200, 90}}) {
    for (const double ones : {0.003, 0.5, 0.997}) {
      const Image picture = noise(width, height, ones);
      const auto expect = [&](const Image& wanted, const auto& change) {
        BitPlane plane;
        plane.load(picture.view());
        change(plane);
        EXPECT_EQ(stored(plane), wanted) << width << " x " << height << ", " << ones;
      };
      expect(plain(picture, 0, false, square), [](BitPlane&) {});
      for (const int radius : {1, 5, 64, 70}) {
        expect(plain(picture, radius, false, square), [&](BitPlane& p) { p.dilate(radius); });
        expect(plain(picture, radius, true, square), [&](BitPlane& p) { p.erode(radius); });
      }
      expect(plain(picture, 1, false, cross), [](BitPlane& p) { p.dilate_by_cross(1); });
      expect(plain(plain(picture, 1, true, cross), 1, true, cross),
             [](BitPlane& p) { p.erode_by_cross(2); });
    }
  }
}

TEST(BitPlane, ByHand) {
  Image picture(70, 3, 1);
  picture.row(1)[63] = picture.row(2)[69] = 1;
  BitPlane plane, other;
  plane.load(picture.view());
  EXPECT_EQ(plane.count(), 2);
  EXPECT_EQ(plane.row(1)[0], uint64_t{1} << 63);
  plane.dilate(1);  // nine pixels, and the four at the corner
  EXPECT_EQ(plane.count(), 13);
  other.load(picture.view());
  plane.subtract(other);
  EXPECT_EQ(plane.count(), 11);
  plane.intersect(other);
  EXPECT_EQ(plane.count(), 0);
  plane.unite(other);
  EXPECT_EQ(plane.count(), 2);
}

}  // namespace
}  // namespace lamella::tissue
