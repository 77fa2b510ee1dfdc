// SPDX-License-Identifier: Apache-2.0
// Every format, there and back, with shapes drawn at random: area, holes, classes and names agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "lamella/annotation/shapes_testing_internal.h"

namespace lamella::annotation {
namespace {

// A ring that goes round (x, y) once, its points at random distances.
std::vector<PointF> star(std::mt19937& random, double x, double y, double radius) {
  std::uniform_real_distribution<double> part(0.7, 1);
  const int points = 3 + static_cast<int>(random() % 20);
  std::vector<PointF> ring;
  for (int i = 0; i < points; ++i) {
    const double angle = 2 * M_PI * i / points, r = radius * part(random);
    ring.push_back({x + r * std::cos(angle), y + r * std::sin(angle)});
  }
  return ring;
}

Shape drawn(std::mt19937& random, int i) {
  // A grid, so that no hole lies in another outline: ImageScope would cut it out of both. Holes are
  // small enough to lie inside of the smallest triangle.
  const double x = 25 + 50 * (i % 20), y = 40 + 80 * (i / 20);
  Shape shape = test::area_shape(star(random, x, y, 24));
  const int holes = static_cast<int>(random() % 3);
  for (int hole = 0; hole < holes; ++hole) {
    shape.areas[0].holes.push_back(star(random, x - 3 + 6 * hole, y, 2.4));
  }
  shape.name = "n" + std::to_string(i) + (i % 2 ? " <ü> & \"x\", 'y'" : "");
  shape.group = i % 3 == 0 ? "positive" : "negative";
  shape.group_colour = i % 3 == 0 ? Colour{200, 10, 20} : Colour{1, 2, 250};
  return shape;
}

class RoundTrip : public ::testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, AreaHolesClassesAndNamesAgree) {
  const lamella::test::TemporaryFolder folder;
  const SlideFrame frame = test::glass();
  std::mt19937 random(23);
  std::vector<Shape> shapes;
  const AnnotationFormat& format = annotation_format(GetParam());
  std::vector<std::string> notes;
  const std::string path = folder.file("first");
  const auto writer = format.write(path, {.frame = &frame, .notes = &notes});
  for (int i = 0; i < 200; ++i) {
    shapes.push_back(drawn(random, i));
    writer->take(Shape(shapes.back()));
  }
  writer->finish();
  // Through the converter, which makes holes again of bridges.
  const std::string copy = folder.file("second.geojson");
  convert_shapes(path, copy, {}, &frame, Context());
  auto back = test::read_file(copy).shapes;
  ASSERT_EQ(back.size(), shapes.size());
  // Formats of lists by class part them by class.
  const auto by_name = [](const Shape& a, const Shape& b) { return a.name < b.name; };
  std::sort(back.begin(), back.end(), by_name);
  std::sort(shapes.begin(), shapes.end(), by_name);
  for (size_t i = 0; i < shapes.size(); ++i) {
    EXPECT_EQ(back[i].name, shapes[i].name);
    EXPECT_EQ(back[i].group, shapes[i].group);
    ASSERT_EQ(back[i].areas.size(), 1u) << shapes[i].name;
    EXPECT_EQ(back[i].areas[0].holes.size(), shapes[i].areas[0].holes.size()) << shapes[i].name;
    const double area = test::area_of_all(shapes[i]);
    EXPECT_NEAR(test::area_of_all(back[i]) / area, 1, 1e-6) << shapes[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         ::testing::Values("geojson", "asap", "aperio", "ncrf", "slideflow",
                                           "ndpa"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace lamella::annotation
