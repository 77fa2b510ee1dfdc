// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>
#include <thread>

#include "lamella/base/error.h"
#include "lamella/base/random.h"

namespace lamella::annotation {
namespace {

AnnotationSet set_of(std::vector<Polygon> polygons) {
  AnnotationSet set;
  set.path = "drawn.xml";
  for (const Polygon& polygon : polygons) {
    if (std::find(set.groups.begin(), set.groups.end(), polygon.group) == set.groups.end())
      set.groups.push_back(polygon.group);
  }
  set.polygons = std::move(polygons);
  return set;
}

Polygon square(const std::string& group, double x, double y, double side) {
  return {"", group, {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}};
}

Coverage cover(const Polygon& polygon) { return {set_of({polygon}), {polygon.group}, {}}; }

TEST(Coverage, OfASquare) {
  const Coverage coverage = cover(square("t", 10, 20, 10));
  EXPECT_DOUBLE_EQ(coverage.area(), 100);
  EXPECT_EQ(coverage.bounds(), (RectF{10, 20, 10, 10}));
  EXPECT_DOUBLE_EQ(coverage.fraction({10, 20, 10, 10}), 1);
  EXPECT_DOUBLE_EQ(coverage.fraction({12, 22, 3, 3}), 1);
  EXPECT_DOUBLE_EQ(coverage.fraction({15, 20, 10, 10}), 0.5);
  EXPECT_DOUBLE_EQ(coverage.fraction({15, 25, 10, 10}), 0.25);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 100, 100}), 0.01);
  EXPECT_EQ(coverage.fraction({20, 20, 10, 10}), 0) << "touching is not covering";
  EXPECT_EQ(coverage.fraction({10, 30, 10, 10}), 0);
  EXPECT_EQ(coverage.fraction({500, 500, 10, 10}), 0);
  EXPECT_EQ(coverage.fraction({12, 22, 0, 3}), 0) << "an empty rectangle";
}

TEST(Coverage, DoesNotDependOnTheDirectionOfDrawing) {
  Polygon polygon = square("t", 0, 0, 10);
  std::reverse(polygon.ring.begin(), polygon.ring.end());
  EXPECT_DOUBLE_EQ(cover(polygon).fraction({5, 0, 10, 10}), 0.5);
}

TEST(Coverage, OfAnLShape) {
  // 10 x 10 without its upper right quarter.
  const Coverage coverage = cover({"", "t", {{0, 0}, {5, 0}, {5, 5}, {10, 5}, {10, 10}, {0, 10}}});
  EXPECT_DOUBLE_EQ(coverage.area(), 75);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 10, 10}), 0.75);
  EXPECT_DOUBLE_EQ(coverage.fraction({4, 4, 2, 2}), 0.75);
  EXPECT_EQ(coverage.fraction({5, 0, 5, 5}), 0);
  EXPECT_DOUBLE_EQ(coverage.fraction({4, 0, 4, 4}), 0.25);
}

TEST(Coverage, OfATriangle) {
  const Coverage coverage = cover({"", "t", {{0, 0}, {8, 0}, {0, 8}}});
  EXPECT_DOUBLE_EQ(coverage.area(), 32);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 8, 8}), 0.5);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 4, 4}), 1);
  // x + y < 8 inside [2, 6]²: the square of 16 without the triangle of legs 4 = 8.
  EXPECT_DOUBLE_EQ(coverage.fraction({2, 2, 4, 4}), 0.5);
  EXPECT_DOUBLE_EQ(coverage.fraction({3, 3, 4, 4}), 2.0 / 16) << "a triangle of legs 2";
  EXPECT_EQ(coverage.fraction({4, 4, 4, 4}), 0);
}

TEST(Coverage, ExcludedGroupsAreHoles) {
  const AnnotationSet set = set_of({square("t", 0, 0, 10), square("hole", 4, 4, 4)});
  const Coverage coverage(set, {"t"}, {"hole"});
  EXPECT_DOUBLE_EQ(coverage.area(), 84);
  EXPECT_EQ(coverage.fraction({4, 4, 4, 4}), 0);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 10, 10}), 0.84);
  EXPECT_DOUBLE_EQ(coverage.fraction({2, 4, 4, 4}), 0.5);
}

TEST(Coverage, OverlapsCountOnce) {
  const AnnotationSet set =
      set_of({square("a", 0, 0, 10), square("a", 5, 0, 10), square("b", 0, 5, 10)});
  EXPECT_DOUBLE_EQ(Coverage(set, {"a"}, {}).area(), 150);
  EXPECT_DOUBLE_EQ(Coverage(set, {"a"}, {}).fraction({0, 0, 15, 10}), 1);
  EXPECT_DOUBLE_EQ(Coverage(set, {"a", "b"}, {}).area(), 200);
  EXPECT_DOUBLE_EQ(Coverage(set, {"a", "a"}, {}).area(), 150);
}

TEST(Coverage, OfABowTieIsItsTwoTriangles) {
  // The diagonals cross at (5, 5): left and right triangle, 25 each.
  const Coverage coverage = cover({"", "t", {{0, 0}, {10, 10}, {10, 0}, {0, 10}}});
  EXPECT_DOUBLE_EQ(coverage.area(), 50);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 5, 10}), 0.5);
  EXPECT_DOUBLE_EQ(coverage.fraction({5, 0, 5, 10}), 0.5);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 10, 5}), 0.5);
}

TEST(Coverage, AHoleDrawnInOneStrokeStaysAHole) {
  // Outer square, a cut to the inner one, round it, and back along the same cut.
  const Coverage coverage =
      cover({"",
             "t",
             {{0, 0}, {10, 0}, {10, 10}, {0, 10}, {0, 0}, {3, 3}, {3, 7}, {7, 7}, {7, 3}, {3, 3}}});
  EXPECT_NEAR(coverage.area(), 84, 1e-9);
  EXPECT_EQ(coverage.fraction({3, 3, 4, 4}), 0);
}

TEST(Coverage, AFlatRingHasNoArea) {
  const Coverage coverage = cover({"", "t", {{0, 0}, {10, 10}, {5, 5}}});
  EXPECT_EQ(coverage.area(), 0);
  EXPECT_EQ(coverage.bounds(), RectF{});
  const AnnotationSet set = set_of({{"", "t", {{0, 0}, {10, 10}, {5, 5}}}, square("u", 0, 0, 2)});
  EXPECT_DOUBLE_EQ(Coverage(set, {"u"}, {"t"}).area(), 4);
  EXPECT_EQ(Coverage(set, {}, {}).area(), 0);
}

TEST(Coverage, UnknownGroupListsTheGroups) {
  const AnnotationSet set = set_of({square("Tumor", 0, 0, 1), square("_2", 0, 0, 1)});
  try {
    const Coverage coverage(set, {"Tumour"}, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(),
                 "drawn.xml: found no annotation group 'Tumour' (did you mean 'Tumor'?), expected "
                 "one of: Tumor, _2");
  }
  EXPECT_THROW(Coverage(set, {"Tumor"}, {"no"}), Error);
}

// The specification: points of a fine raster that lie inside by the even-odd rule.
double sampled_fraction(const std::vector<PointF>& ring, const RectF& rect, int steps) {
  int inside = 0;
  for (int j = 0; j < steps; ++j) {
    for (int i = 0; i < steps; ++i) {
      const double x = rect.x + rect.width * (i + 0.5) / steps;
      const double y = rect.y + rect.height * (j + 0.5) / steps;
      bool odd = false;
      for (size_t k = 0; k < ring.size(); ++k) {
        const PointF &a = ring[k], &b = ring[(k + 1) % ring.size()];
        if ((a.y > y) != (b.y > y) && x < a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y)) odd = !odd;
      }
      inside += odd;
    }
  }
  return double(inside) / (double(steps) * steps);
}

// A star-shaped outline with many teeth, so that cells of the index cut it everywhere.
std::vector<PointF> jagged(size_t points, double centre, double radius, double depth,
                           uint64_t seed) {
  Random random(seed);
  std::vector<PointF> ring;
  for (size_t i = 0; i < points; ++i) {
    const double angle = 2 * std::numbers::pi * double(i) / double(points);
    const double r = radius * (1 - depth * random.uniform());
    ring.push_back({centre + r * std::cos(angle), centre + r * std::sin(angle)});
  }
  return ring;
}

TEST(Coverage, AgreesWithSamplingOnAJaggedOutline) {
  const std::vector<PointF> ring = jagged(500, 1000, 900, 0.3, 3);
  const Coverage coverage = cover({"", "t", ring});
  Random random(5);
  for (int i = 0; i < 30; ++i) {
    const RectF rect{random.uniform() * 1800, random.uniform() * 1800, 20 + random.uniform() * 300,
                     20 + random.uniform() * 300};
    EXPECT_NEAR(coverage.fraction(rect), sampled_fraction(ring, rect, 150), 0.01) << i;
  }
}

TEST(Coverage, PartsOfAGridAddUpToTheArea) {
  const std::vector<PointF> ring = jagged(20'000, 50'000, 45'000, 0.01, 4);
  const Coverage coverage = cover({"", "t", ring});
  double shoelace = 0;
  for (size_t k = 0; k < ring.size(); ++k) {
    const PointF &a = ring[k], &b = ring[(k + 1) % ring.size()];
    shoelace += (a.x * b.y - b.x * a.y) / 2;
  }
  EXPECT_NEAR(coverage.area() / shoelace, 1, 1e-12);
  const double cell = 307.3;
  double sum = 0;
  for (int j = 0; j < 330; ++j) {
    for (int i = 0; i < 330; ++i) sum += coverage.fraction({i * cell, j * cell, cell, cell});
  }
  EXPECT_NEAR(sum * cell * cell / shoelace, 1, 1e-9);
}

TEST(Coverage, ManyPatchesOverAHugePolygonAreFast) {
  const Coverage coverage = cover({"", "t", jagged(100'000, 50'000, 45'000, 0.001, 6)});
  const auto start = std::chrono::steady_clock::now();
  double sum = 0;
  for (int j = 0; j < 320; ++j) {
    for (int i = 0; i < 320; ++i) sum += coverage.fraction({i * 312.0, j * 312.0, 299, 299});
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_GT(sum, 0);
  RecordProperty("seconds_for_102400_patches", std::to_string(seconds.count()));
  EXPECT_LT(seconds.count(), 5) << "generous: sanitizers are slow";
}

TEST(Coverage, IsSharedByThreads) {
  const Coverage coverage = cover({"", "t", jagged(5000, 1000, 900, 0.3, 8)});
  const auto total = [&] {
    double sum = 0;
    for (int i = 0; i < 2000; ++i) sum += coverage.fraction({i * 1.0, i * 0.9, 50, 50});
    return sum;
  };
  const double expected = total();
  std::vector<double> sums(4);
  {
    std::vector<std::jthread> threads;
    for (double& sum : sums) threads.emplace_back([&] { sum = total(); });
  }
  for (const double sum : sums) EXPECT_EQ(sum, expected);
}

TEST(Coverage, OfTheIdcTumourAreaIsWholeTiles) {
  const char* folder = std::getenv("LAMELLA_TEST_DATA");
  const std::string data = folder ? folder : LAMELLA_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data + "/idc/idc_14082.xml")) GTEST_SKIP() << "no " << data;
  for (const std::string slide : {"idc_14082", "idc_14306"}) {
    const AnnotationSet set = read_annotations(data + "/idc/" + slide + ".xml");
    EXPECT_EQ(set.groups, std::vector<std::string>{"Tumor"});
    const Coverage coverage(set, {"Tumor"}, {});
    int tiles = 0;
    for (const Centre& centre : centres_of(read_ncrf_centres(data + "/idc/tumor.txt"), slide)) {
      EXPECT_EQ(coverage.fraction({centre.x_px - 25, centre.y_px - 25, 50, 50}), 1);
      ++tiles;
    }
    EXPECT_GT(tiles, 100);
    EXPECT_NEAR(coverage.area(), tiles * 2500.0, 1e-6);
    for (const Centre& centre : centres_of(read_ncrf_centres(data + "/idc/normal.txt"), slide)) {
      EXPECT_EQ(coverage.fraction({centre.x_px - 25, centre.y_px - 25, 50, 50}), 0);
    }
  }
}

TEST(Coverage, OfTheCamelyonOutlinesHoldsTheTumourPatchesCentres) {
  const char* folder = std::getenv("LAMELLA_TEST_DATA");
  const std::string data =
      std::string(folder ? folder : LAMELLA_SOURCE_DIR "/../shared/data") + "/camelyon16/";
  if (!std::filesystem::exists(data + "patches")) GTEST_SKIP() << "no " << data;
  int found[2] = {0, 0}, inside[2] = {0, 0};
  for (const std::string slide : {"Tumor_001", "Tumor_004", "Tumor_064"}) {
    const Coverage coverage(read_annotations(data + slide + ".json"), {"positive"}, {"negative"});
    for (const int label : {0, 1}) {
      const std::string patches = data + "patches/" + (label ? "tumor" : "normal");
      for (const auto& file : std::filesystem::directory_iterator(patches)) {
        // <slide>_<x>_<y>.png, the level-0 top-left of 256 px; the slide's name in lower case.
        std::string name = file.path().stem().string();
        name[0] = 'T';
        int x = 0, y = 0;
        if (!name.starts_with(slide + "_") ||
            std::sscanf(name.c_str() + slide.size(), "_%d_%d", &x, &y) != 2) {
          continue;
        }
        ++found[label];
        inside[label] += coverage.fraction({x + 127.5, y + 127.5, 1, 1}) > 0.5;
      }
    }
  }
  EXPECT_EQ(found[1], 28);
  EXPECT_EQ(inside[1], 28);
  EXPECT_EQ(found[0], 29);
  EXPECT_EQ(inside[0], 0);
  const AnnotationSet normal = read_annotations(data + "Normal_001.json");
  EXPECT_EQ(normal.polygons.size(), 4u);
  EXPECT_EQ(Coverage(normal, {"positive"}, {}).area(), 0);
  EXPECT_GT(Coverage(normal, {"negative"}, {}).area(), 1e8);
}

}  // namespace
}  // namespace lamella::annotation
