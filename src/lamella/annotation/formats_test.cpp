// SPDX-License-Identifier: Apache-2.0
// What each format says, with values worked out by hand.
#include "lamella/annotation/formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lamella/annotation/shapes_testing_internal.h"
#include "lamella/io/files.h"

namespace lamella::annotation {
namespace {

using test::Kept;
using test::read_text;

using lamella::annotation::test::area_of_all;
using lamella::annotation::test::area_shape;
using lamella::annotation::test::error_of;
using lamella::annotation::test::glass;
using lamella::annotation::test::has;
using lamella::annotation::test::read_file;

const std::string kAperio =
    R"(<Annotations MicronsPerPixel="0.25">
<Annotation Id="1" Name="Tumour" LineColor="65280" Type="4"><Attributes/><Regions>
<Region Id="1" Type="0" Text="big" NegativeROA="0"><Vertices>
<Vertex X="0" Y="0" Z="0"/><Vertex X="100" Y="0"/><Vertex X="100" Y="100"/><Vertex X="0" Y="100"/><Vertex X="0" Y="0"/>
</Vertices></Region>
<Region Id="2" Type="0" Text="" NegativeROA="1"><Vertices>
<Vertex X="10" Y="10"/><Vertex X="30" Y="10"/><Vertex X="30" Y="30"/><Vertex X="10" Y="30"/></Vertices></Region>
<Region Id="3" Type="2" Text="round"><Vertices><Vertex X="200" Y="0"/><Vertex X="300" Y="50"/></Vertices></Region>
<Region Id="4" Type="3" Text="look"><Vertices><Vertex X="1" Y="1"/><Vertex X="2" Y="2"/></Vertices></Region>
<Region Id="5" Type="4" Text="long"><Vertices><Vertex X="1" Y="1"/><Vertex X="4" Y="5"/></Vertices></Region>
<Region Id="6" Text="lost" NegativeROA="1"><Vertices>
<Vertex X="900" Y="900"/><Vertex X="910" Y="900"/><Vertex X="910" Y="910"/></Vertices></Region>
</Regions></Annotation>
<Annotation Id="2" Name="" LineColor="255"><Regions>
<Region Id="1" Text="stroma"><Vertices><Vertex X="0" Y="0"/><Vertex X="4" Y="0"/><Vertex X="0" Y="4"/></Vertices></Region>
</Regions></Annotation></Annotations>)";

TEST(AperioXml, HolesLayersColoursEllipsesArrows) {
  const Kept kept = read_text(kAperio);
  ASSERT_EQ(kept.shapes.size(), 4u);
  const Shape& big = kept.shapes[0];
  EXPECT_EQ(big.name, "big");
  EXPECT_EQ(big.group, "Tumour");
  EXPECT_EQ(big.group_colour, (Colour{0, 255, 0}));
  ASSERT_EQ(big.areas.size(), 1u);
  ASSERT_EQ(big.areas[0].holes.size(), 1u);
  EXPECT_DOUBLE_EQ(area_of_all(big), 100 * 100 - 20 * 20);
  const Shape& round = kept.shapes[1];
  EXPECT_TRUE(round.ellipse);
  EXPECT_NEAR(area_of_all(round), 3.14159265358979 * 50 * 25, 0.3) << "360 straight lines";
  EXPECT_EQ(kept.shapes[2].kind, ShapeKind::kLines);
  EXPECT_EQ(kept.shapes[3].group, "stroma");
  EXPECT_EQ(kept.shapes[3].group_colour, (Colour{255, 0, 0}));
  EXPECT_TRUE(has(kept.notes, "'look' is an arrow: left out"));
  EXPECT_TRUE(has(kept.notes, "'lost' is a hole (NegativeROA) that lies in no region"));
  EXPECT_TRUE(has(kept.notes, "'round' is an ellipse"));
  EXPECT_TRUE(has(kept.notes, "its text is taken as its class"));
}

TEST(AperioXml, IsWrittenAsItWasRead) {
  const lamella::test::TemporaryFolder folder;
  const std::string in = folder.put("in.xml", kAperio);
  const auto converted =
      convert_shapes(in, folder.file("out.xml"), {.to = "aperio"}, nullptr, Context());
  EXPECT_EQ(converted.annotations, 4);
  EXPECT_EQ(converted.holes, 1);
  const std::string text = io::read_text_file(folder.file("out.xml"));
  EXPECT_NE(text.find("LineColor=\"65280\""), std::string::npos);
  EXPECT_NE(text.find("NegativeROA=\"1\""), std::string::npos);
  const Kept back = read_file(folder.file("out.xml"));
  ASSERT_EQ(back.shapes.size(), 4u);
  EXPECT_DOUBLE_EQ(area_of_all(back.shapes[0]), 9600);
  EXPECT_TRUE(back.shapes[1].ellipse);
}

TEST(GeoJson, EverythingThatQuPathSaysComesBack) {
  const lamella::test::TemporaryFolder folder;
  const std::string text = R"({"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": "6f9619ff-8b86-4d11-b42d-00cf4fc964ff",
     "geometry": {"type": "MultiPolygon", "coordinates":
       [[[[0,0],[8,0],[8,8],[0,8],[0,0]], [[2,2],[2,6],[6,6],[6,2],[2,2]]], [[[10,0],[12,0],[12,2],[10,0]]]]},
     "properties": {"objectType": "detection", "name": "n 1", "color": [1, 2, 3], "isLocked": true,
       "classification": {"name": "Tumor: Positive", "color": [200, 0, 0]},
       "measurements": {"a": 1.5, "b": NaN, "c": -Infinity}, "metadata": {"k": "v"}}},
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1.25, 2]},
     "properties": {"classification": {"name": "Immune", "colorRGB": -16776961}}},
    {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0,0],[1,1],[2,0]]},
     "properties": {"measurements": [{"name": "old", "value": 7}], "classification": "Edge"}},
    {"type": "Feature", "geometry": {"type": "Polygon", "isEllipse": true,
     "coordinates": [[[4,2],[2,4],[0,2],[2,0],[4,2]]]}}]})";
  const auto check = [](const Kept& kept) {
    ASSERT_EQ(kept.shapes.size(), 4u);
    const Shape& first = kept.shapes[0];
    EXPECT_EQ(first.id, "6f9619ff-8b86-4d11-b42d-00cf4fc964ff");
    EXPECT_EQ(first.object_type, "detection");
    EXPECT_EQ(first.name, "n 1");
    EXPECT_EQ(first.group, "Tumor: Positive");
    EXPECT_EQ(first.group_colour, (Colour{200, 0, 0}));
    EXPECT_EQ(first.colour, (Colour{1, 2, 3}));
    EXPECT_TRUE(first.locked);
    EXPECT_EQ(first.more, R"({"metadata":{"k":"v"}})");
    ASSERT_EQ(first.measurements.size(), 3u);
    EXPECT_EQ(first.measurements[0], (std::pair<std::string, double>{"a", 1.5}));
    EXPECT_TRUE(std::isnan(first.measurements[1].second));
    EXPECT_EQ(first.measurements[2].second, -INFINITY);
    ASSERT_EQ(first.areas.size(), 2u);
    EXPECT_DOUBLE_EQ(area_of_all(first), 64 - 16 + 2);
    EXPECT_EQ(kept.shapes[1].points, (std::vector<PointF>{{1.25, 2}}));
    EXPECT_EQ(kept.shapes[1].group_colour, (Colour{0, 0, 255}));
    EXPECT_EQ(kept.shapes[2].lines[0].size(), 3u);
    EXPECT_EQ(kept.shapes[2].measurements[0].second, 7);
    EXPECT_TRUE(kept.shapes[3].ellipse);
  };
  check(read_text(text));
  const std::string in = folder.put("in.json", text);
  for (const char* name : {"out.geojson", "out.geojson.gz"}) {
    const auto converted = convert_shapes(in, folder.file(name), {}, nullptr, Context());
    EXPECT_TRUE(converted.notes.empty()) << name;
    check(read_file(folder.file(name)));
  }
  const std::string written = io::read_text_file(folder.file("out.geojson"));
  EXPECT_NE(written.find(R"("names":["Tumor","Positive"],"color":[200,0,0])"), std::string::npos);
  EXPECT_NE(written.find(R"("name":"Edge","color":[)"), std::string::npos)
      << "a class has a colour";
}

TEST(AsapXml, AllTypesAreWritten) {
  const lamella::test::TemporaryFolder folder;
  const std::string text =
      R"(<ASAP_Annotations><Annotations>
<Annotation Name="r" Type="Rectangle" PartOfGroup="T" Color="#ff0000"><Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="4" Y="0"/><Coordinate Order="2" X="4" Y="2"/><Coordinate Order="3" X="0" Y="2"/></Coordinates></Annotation>
<Annotation Name="d" Type="Dot" PartOfGroup="None" Color="#00ff00"><Coordinates><Coordinate Order="0" X="1" Y="1"/></Coordinates></Annotation>
<Annotation Name="p" Type="PointSet" PartOfGroup="None"><Coordinates><Coordinate Order="0" X="1" Y="1"/><Coordinate Order="1" X="2" Y="1"/></Coordinates></Annotation>
<Annotation Name="m" Type="Measurement" PartOfGroup="None"><Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="3" Y="4"/></Coordinates></Annotation>
<Annotation Name="s" Type="Spline" PartOfGroup="T"><Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="4" Y="0"/><Coordinate Order="2" X="4" Y="4"/><Coordinate Order="3" X="0" Y="4"/></Coordinates></Annotation>
</Annotations><AnnotationGroups><Group Name="T" PartOfGroup="None" Color="#0000ff"/></AnnotationGroups></ASAP_Annotations>)";
  const auto converted = convert_shapes(folder.put("in.xml", text), folder.file("out.xml"),
                                        {.to = "asap"}, nullptr, Context());
  EXPECT_TRUE(has(converted.notes, "'s' is a spline: its curve was made straight lines"));
  const std::string out = io::read_text_file(folder.file("out.xml"));
  for (const char* part :
       {"Name=\"r\" Type=\"Rectangle\" PartOfGroup=\"T\" Color=\"#ff0000\"", "Type=\"Dot\"",
        "Type=\"PointSet\"", "Type=\"Measurement\"", "Name=\"s\" Type=\"Polygon\"",
        "Group Name=\"T\" PartOfGroup=\"None\" Color=\"#ff0000\""}) {
    EXPECT_NE(out.find(part), std::string::npos) << part;
  }
  const Kept back = read_file(folder.file("out.xml"));
  ASSERT_EQ(back.shapes.size(), 5u);
  EXPECT_EQ(back.shapes[1].kind, ShapeKind::kPoints);
  EXPECT_EQ(back.shapes[2].points.size(), 2u);
  EXPECT_EQ(back.shapes[3].kind, ShapeKind::kLines);
  EXPECT_GT(area_of_all(back.shapes[4]), 16) << "the curve bulges";
}

TEST(Ndpa, NanometresFromTheSlidesCentre) {
  const SlideFrame frame = glass();
  const std::string text =
      R"(<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<annotations><ndpviewstate id="1"><title>tumor</title><details>first</details><coordformat>nanometers</coordformat>
<annotation type="freehand" displayname="AnnotateFreehand" color="#ff8000"><closed>1</closed><pointlist>
<point><x>1000</x><y>-2000</y></point><point><x>6000</x><y>-2000</y></point><point><x>6000</x><y>3000</y></point>
</pointlist></annotation></ndpviewstate>
<ndpviewstate id="2"><title>c</title><annotation type="circle" color="#000000"><x>1000</x><y>-2000</y><radius>5000</radius></annotation></ndpviewstate>
<ndpviewstate id="3"><title>a</title><annotation type="pointer"><x1>0</x1></annotation></ndpviewstate>
<ndpviewstate id="4"><title>p</title><annotation type="pin"><x>1500</x><y>-1500</y></annotation></ndpviewstate>
</annotations>)";
  const Kept kept = read_text(text, {}, &frame);
  ASSERT_EQ(kept.shapes.size(), 3u);
  // 5000 nm are 10 px of 0.5 µm; the offset is the picture's centre, (500, 400).
  EXPECT_EQ(kept.shapes[0].areas[0].ring,
            (std::vector<PointF>{{500, 400}, {510, 400}, {510, 410}}));
  EXPECT_EQ(kept.shapes[0].group, "tumor");
  EXPECT_EQ(kept.shapes[0].name, "first");
  EXPECT_EQ(kept.shapes[0].colour, (Colour{255, 128, 0}));
  EXPECT_NEAR(area_of_all(kept.shapes[1]), 3.14159265358979 * 100, 0.02);
  EXPECT_EQ(kept.shapes[2].points, (std::vector<PointF>{{501, 401}}));
  EXPECT_TRUE(has(kept.notes, "'a' is an arrow: left out"));
  EXPECT_NE(error_of([&] { read_text(text); }).find("give its slide"), std::string::npos);
  SlideFrame other = frame;
  other.offset_from_centre_nm.reset();
  EXPECT_NE(error_of([&] { read_text(text, {}, &other); }).find("XOffsetFromSlideCentre"),
            std::string::npos);
}

TEST(SlideflowCsv, RowsOfANameAreAnOutline) {
  const std::string rows = "roi_name,x_base,y_base,label\n";
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string text =
        "roi_name,x_base,y_base,label\na,0,0,Tumor\na,4,0,Tumor\na,4,4,Tumor\n"
        "b,0,0,\nb,2,0,\nb,0,2,\nc,1,1,x\n";
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += end.size()) {
      text.replace(at, 1, end);
    }
    const Kept kept = read_text(text);
    ASSERT_EQ(kept.shapes.size(), 2u);
    EXPECT_EQ(kept.shapes[0].name, "a");
    EXPECT_EQ(kept.shapes[0].group, "Tumor");
    EXPECT_DOUBLE_EQ(area_of_all(kept.shapes[0]), 8);
    EXPECT_DOUBLE_EQ(area_of_all(kept.shapes[1]), 2);
    EXPECT_TRUE(has(kept.notes, "'c' has fewer than 3 different points"));
  }
  EXPECT_DOUBLE_EQ(
      area_of_all(read_text("roi_name;x_base;y_base\na;0,5;0\na;4,5;0\na;4,5;4\n").shapes.at(0)), 8)
      << "decimal commas where no comma parts fields";
  EXPECT_NE(error_of([&] { read_text(rows + "a,1,nan,\n"); }).find("line 2, column 5: found 'nan'"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_text(rows + "a,1\n"); }).find("line 2: found 2 fields"),
            std::string::npos);
}

TEST(Formats, WhatATargetCannotSayIsNamed) {
  const lamella::test::TemporaryFolder folder;
  const std::string in = folder.put(
      "in.geojson",
      R"([{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[8,0],[8,8],[0,8],[0,0]],[[2,2],[2,6],[6,6],[6,2],[2,2]]]},
      "properties":{"name":"h","objectType":"tile","measurements":{"p":0.5},"classification":"Stroma"}},
      {"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[1,1],[2,0]]},"properties":{"name":"l"}}])");
  const auto notes = [&](const char* to) {
    const SlideFrame frame = glass();
    return convert_shapes(in, folder.file("out"), {.to = to}, &frame, Context()).notes;
  };
  for (const char* to : {"asap", "ncrf", "slideflow", "ndpa"}) {
    EXPECT_TRUE(has(notes(to), "cannot say: holes")) << to;
    EXPECT_TRUE(has(notes(to), "cannot say: measurements")) << to;
    EXPECT_TRUE(has(notes(to), "cannot say: that it is a tile")) << to;
  }
  EXPECT_FALSE(has(notes("aperio"), "holes"));
  EXPECT_TRUE(has(notes("asap"), "lines of more than two points: left out"));
  EXPECT_TRUE(has(notes("ncrf"), "the class 'Stroma': written as positive"));
}

}  // namespace
}  // namespace lamella::annotation
