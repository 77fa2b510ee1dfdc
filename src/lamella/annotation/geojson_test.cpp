// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/coverage.h"
#include "lamella/base/error.h"

namespace lamella::annotation {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    return error.what();
  }
  return "no error";
}

std::string feature(const std::string& geometry, const std::string& properties = "{}") {
  return R"({"type": "Feature", "id": "f1", "geometry": )" + geometry + R"(, "properties": )" +
         properties + "}";
}

const std::string kRing = "[[0, 0], [8, 0], [8, 8], [0, 8], [0, 0]]";
const std::string kHole = "[[2, 2], [6, 2], [6, 6], [2, 6], [2, 2]]";
const std::string kHoled = R"({"type": "Polygon", "coordinates": [)" + kRing + ", " + kHole + "]}";

AnnotationSet parse(const std::string& text) {
  return parse_annotations(text, "a.geojson", "geojson");
}

TEST(GeoJson, AllThreeWrappingsAreTaken) {
  const std::string one = feature(kHoled, R"({"classification": {"name": "Tumor"}})");
  for (const std::string& text :
       {one, "[" + one + "]", R"({"type": "FeatureCollection", "features": [)" + one + "]}"}) {
    const AnnotationSet set = parse(text);
    ASSERT_EQ(set.polygons.size(), 1u) << text;
    const Polygon& polygon = set.polygons.front();
    EXPECT_EQ(polygon.name, "f1");
    EXPECT_EQ(polygon.group, "Tumor");
    EXPECT_EQ(polygon.ring, (std::vector<PointF>{{0, 0}, {8, 0}, {8, 8}, {0, 8}}));
    ASSERT_EQ(polygon.holes.size(), 1u);
    EXPECT_EQ(polygon.holes[0], (std::vector<PointF>{{2, 2}, {6, 2}, {6, 6}, {2, 6}}));
    EXPECT_EQ(set.groups, std::vector<std::string>{"Tumor"});
    EXPECT_TRUE(set.notes.empty());
  }
}

TEST(GeoJson, HolesAreCutOut) {
  const AnnotationSet set = parse(feature(kHoled, R"({"classification": "Tumor"})"));
  const Coverage coverage(set, {"Tumor"}, {});
  EXPECT_DOUBLE_EQ(coverage.area(), 64 - 16);
  EXPECT_EQ(coverage.fraction({3, 3, 2, 2}), 0);
  EXPECT_DOUBLE_EQ(coverage.fraction({0, 0, 4, 4}), 12.0 / 16);
  // A hole is none for another outline that covers it.
  AnnotationSet both = set;
  both.polygons.push_back({"b", "Tumor", {{2, 2}, {4, 2}, {4, 6}, {2, 6}}});
  EXPECT_DOUBLE_EQ(Coverage(both, {"Tumor"}, {}).area(), 64 - 8);
}

TEST(GeoJson, MultiPolygonsArePolygonsOfOneGroup) {
  const AnnotationSet set = parse(feature(
      R"({"type": "MultiPolygon", "coordinates": [[)" + kRing + ", " + kHole +
          R"(], [[[10, 0], [12, 0], [12, 2]]]]})",
      R"({"name": "mine", "classification": {"names": ["Tumor", "Positive"], "color": [1, 2, 3]}})"));
  ASSERT_EQ(set.polygons.size(), 2u);
  EXPECT_EQ(set.polygons[0].holes.size(), 1u);
  EXPECT_EQ(set.polygons[1].ring.size(), 3u) << "an open ring is taken";
  EXPECT_EQ(set.polygons[1].name, "mine");
  EXPECT_EQ(set.polygons[1].group, "Tumor: Positive");
  EXPECT_DOUBLE_EQ(Coverage(set, {"Tumor: Positive"}, {}).area(), 48 + 2);
}

TEST(GeoJson, WithoutAClassItIsUngrouped) {
  for (const char* properties : {"{}", "null", R"({"classification": null})"}) {
    const AnnotationSet set = parse(feature(kHoled, properties));
    EXPECT_EQ(set.polygons[0].group, "");
    EXPECT_TRUE(set.groups.empty());
    EXPECT_DOUBLE_EQ(Coverage(set, {"None"}, {}).area(), 48);
  }
}

TEST(GeoJson, WhatHasNoAreaIsLeftOutAndSaid) {
  const std::string point = feature(R"({"type": "Point", "coordinates": [1, 2]})");
  const std::string line = feature(R"({"type": "LineString", "coordinates": [[1, 2], [2, 3]]})");
  const std::string stray = feature(R"({"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]})");
  const std::string mixed = feature(R"({"type": "GeometryCollection", "geometries": [)" + kHoled +
                                    R"(, {"type": "Point", "coordinates": [1, 2]}]})");
  const AnnotationSet set =
      parse("[" + point + "," + line + "," + stray + "," + feature("null") + "," + mixed + "]");
  EXPECT_EQ(set.polygons.size(), 1u);
  EXPECT_EQ(set.notes,
            (std::vector<std::string>{
                "2 annotations with geometry Point have no area: left out: 'f1', 'f1'",
                "annotation 'f1' with geometry LineString has no area: left out",
                "annotation 'f1' with no geometry has no area: left out",
                "annotation 'f1' has fewer than 3 different points and no area: left out"}));
}

TEST(GeoJson, ErrorsTellWhereWhatAndWhatWasExpected) {
  const auto message = [](const std::string& text) { return message_of([&] { parse(text); }); };
  EXPECT_NE(message("[").find("a.geojson: found no well-formed JSON, expected GeoJSON"),
            std::string::npos);
  EXPECT_NE(message("{\"a\": 1}").find("the document: found type null"), std::string::npos);
  EXPECT_NE(message("[3]").find("[0]: found 3, expected an object of type \"Feature\""),
            std::string::npos);
  const auto of_geometry = [&](const std::string& geometry) {
    return message("[" + feature(geometry) + "]");
  };
  EXPECT_NE(of_geometry(R"({"type": "Circle"})").find("[0].geometry: found"), std::string::npos);
  EXPECT_NE(of_geometry(R"({"type": "Polygon"})").find("[0].geometry.coordinates: found null"),
            std::string::npos);
  EXPECT_NE(of_geometry(R"({"type": "Polygon", "coordinates": [[[0, 0], [1]]]})")
                .find("coordinates[0][1]: found [1], expected [x, y]"),
            std::string::npos);
  for (const char* bad : {"\"1\"", "null", "1e300", "2000000000"}) {
    EXPECT_NE(
        of_geometry(R"({"type": "Polygon", "coordinates": [[[0, )" + std::string(bad) + "]]]}")
            .find("between -1e9 and 1e9"),
        std::string::npos)
        << bad;
  }
  EXPECT_NE(message("[" + feature(kHoled, R"({"classification": 3})") + "]").find("classification"),
            std::string::npos);
  EXPECT_NE(message(std::string(100'000, '[')).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace lamella::annotation
