// SPDX-License-Identifier: Apache-2.0
// The faults that annotations in the field have: repaired and said, or refused by name.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/shapes_testing_internal.h"
#include "lamella/io/files.h"

namespace lamella::annotation {
namespace {

using lamella::annotation::test::error_of;
using lamella::annotation::test::has;
using lamella::annotation::test::Kept;
using lamella::annotation::test::read_file;
using lamella::annotation::test::read_text;

std::string polygon(const std::string& points, const std::string& properties = "{}") {
  return R"([{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[)" + points +
         R"(]]},"properties":)" + properties + "}]";
}

class BadAnnotations : public ::testing::Test {
 protected:
  ConvertedShapes converted(const std::string& text, const ConvertShapesOptions& options = {},
                            const SlideFrame* frame = nullptr) {
    return convert_shapes(folder_.put("in", text), folder_.file("out.geojson"), options, frame,
                          Context());
  }
  std::string refused(const std::string& text, const ConvertShapesOptions& options = {},
                      const SlideFrame* frame = nullptr) {
    const std::string what = error_of([&] { converted(text, options, frame); });
    EXPECT_FALSE(io::exists(folder_.file("out.geojson")));
    return what;
  }
  const lamella::test::TemporaryFolder folder_;
};

TEST_F(BadAnnotations, SelfCrossingRings) {
  const std::string bow = polygon("[0,0],[4,4],[4,0],[0,4],[0,0]", R"({"name":"bow"})");
  EXPECT_NE(refused(bow, {.refuse_crossing = true}).find("'bow' ([0]): found a ring that crosses"),
            std::string::npos);
  const ConvertedShapes shapes = converted(bow);
  EXPECT_DOUBLE_EQ(shapes.area_px, 8);
  EXPECT_EQ(shapes.outlines, 2);
  EXPECT_TRUE(has(shapes.notes, "'bow' has rings that cross: parted where they do"));
}

TEST_F(BadAnnotations, TwoPointsAndRepeatedPoints) {
  const ConvertedShapes two = converted(polygon("[0,0],[4,4],[0,0]"));
  EXPECT_EQ(two.annotations, 0);
  EXPECT_TRUE(has(two.notes, "has fewer than 3 different points"));
  const ConvertedShapes twice = converted(polygon("[0,0],[4,0],[4,0],[4,4],[0,0]"));
  EXPECT_DOUBLE_EQ(twice.area_px, 8);
  EXPECT_TRUE(has(twice.notes, "points that stand twice in a row: dropped"));
}

TEST_F(BadAnnotations, CoordinatesThatAreNoNumbers) {
  for (const auto& [point, shown] :
       std::vector<std::pair<std::string, std::string>>{{R"(["1","2"])", R"("1")"},
                                                        {R"([1,"2,5"])", R"("2,5")"},
                                                        {"[NaN,1]", R"("NaN")"},
                                                        {"[1,-Infinity]", "\"-Infinity\""},
                                                        {"[null,1]", "null"}}) {
    const std::string what = refused(polygon("[0,0],[4,0]," + point + ",[0,0]"));
    EXPECT_NE(what.find("coordinates[0][2]: found " + shown + ", expected a number"),
              std::string::npos)
        << what;
  }
}

TEST_F(BadAnnotations, NothingInIt) {
  const ConvertedShapes none = converted(R"({"type":"FeatureCollection","features":[]})");
  EXPECT_EQ(none.annotations, 0);
  EXPECT_TRUE(has(none.notes, "holds no annotation"));
  EXPECT_TRUE(read_file(folder_.file("out.geojson")).shapes.empty());
}

TEST_F(BadAnnotations, AClassWithoutAColourGetsOne) {
  converted(polygon("[0,0],[4,0],[4,4],[0,0]", R"({"classification":{"name":"Tumor"}})"));
  EXPECT_EQ(read_file(folder_.file("out.geojson")).shapes.at(0).group_colour, palette_colour(0));
}

TEST_F(BadAnnotations, AnUnknownGeometry) {
  EXPECT_NE(refused(R"([{"type":"Feature","geometry":{"type":"Circle"},"properties":{}}])")
                .find("[0].geometry: found {\"type\":\"Circle\"}, expected a geometry of GeoJSON"),
            std::string::npos);
}

TEST_F(BadAnnotations, WrongAxesAndAnotherSlidesOutlines) {
  SlideFrame frame{.size_px = {1000, 100}};
  // Lies at x 50-90, y 500-900: exchanged it is on the slide.
  const std::string exchanged = polygon("[50,500],[90,500],[90,900],[50,900],[50,500]");
  EXPECT_NE(refused(exchanged, {}, &frame).find("it is as if x and y were exchanged"),
            std::string::npos);
  const std::string far = polygon("[5000,7000],[91000,7000],[91000,90000],[5000,7000]");
  EXPECT_NE(refused(far, {}, &frame).find("are they another slide's?"), std::string::npos);
}

TEST_F(BadAnnotations, MixedLineEndsAndUtf16) {
  const std::string text =
      "<ASAP_Annotations>\r\n<Annotations>\r<Annotation Name=\"\xC3\xBC\" Type=\"Polygon\" "
      "PartOfGroup=\"None\">\n<Coordinates><Coordinate X=\"0\" Y=\"0\"/><Coordinate X=\"4\" "
      "Y=\"0\"/><Coordinate X=\"0\" Y=\"4\"/></Coordinates></Annotation></Annotations>"
      "</ASAP_Annotations>";
  EXPECT_EQ(read_text(text).shapes.at(0).name, "\xC3\xBC");
  for (const bool big : {false, true}) {
    std::string wide = big ? "\xFE\xFF" : "\xFF\xFE";
    for (size_t i = 0; i < text.size(); ++i) {
      char low = text[i], high = '\0';
      if (low == '\xC3') low = '\xFC', ++i;
      wide += big ? std::string{high, low} : std::string{low, high};
    }
    const Kept kept = read_text(wide);
    EXPECT_EQ(kept.shapes.at(0).name, "\xC3\xBC");
  }
}

TEST_F(BadAnnotations, EntitiesAreRefused) {
  const std::string rest =
      "<ASAP_Annotations><Annotations><Annotation Name=\"&c;\" Type=\"Dot\"/></Annotations>"
      "</ASAP_Annotations>";
  const std::string laughs =
      "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;\">]>" + rest;
  EXPECT_NE(refused(laughs).find("found the entity 'a' declared"), std::string::npos);
  const std::string outside = "<!DOCTYPE x [<!ENTITY c SYSTEM \"file:///etc/passwd\">]>" + rest;
  EXPECT_NE(refused(outside).find("found the entity 'c' declared"), std::string::npos);
  EXPECT_NE(refused(rest).find("undefined entity"), std::string::npos);
}

std::string gzipped(const std::string& text, int times) {
  z_stream zip = {};
  deflateInit2(&zip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out, piece(1 << 16, '\0');
  for (int i = 0; i <= times; ++i) {
    zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    zip.avail_in = i < times ? static_cast<uInt>(text.size()) : 0;
    do {
      zip.next_out = reinterpret_cast<Bytef*>(piece.data());
      zip.avail_out = static_cast<uInt>(piece.size());
      deflate(&zip, i < times ? Z_NO_FLUSH : Z_FINISH);
      out.append(piece, 0, piece.size() - zip.avail_out);
    } while (zip.avail_out == 0);
  }
  deflateEnd(&zip);
  return out;
}

TEST_F(BadAnnotations, GzipThatGrowsWithoutEndOrIsDamaged) {
  const std::string bomb = gzipped("[" + std::string(1 << 20, ' '), 1);
  EXPECT_NE(
      refused(gzipped(std::string(1 << 20, ' '), 100), {.from = "geojson"}).find("gzip grows"),
      std::string::npos);
  std::string good = gzipped(polygon("[0,0],[4,0],[4,4],[0,0]"), 1);
  EXPECT_DOUBLE_EQ(converted(good).area_px, 8);
  io::write_file_atomic(folder_.file("out.geojson"), "");
  ::unlink(folder_.file("out.geojson").c_str());
  EXPECT_NE(refused(good.substr(0, good.size() / 2)).find("gzip data"), std::string::npos);
  EXPECT_NE(refused(good + "tail").find("gzip data are damaged"), std::string::npos);
}

TEST_F(BadAnnotations, AFileOfTwoGigabytesIsLookedAtOnce) {
  // Sparse: it takes no room on the disk.
  const std::string path = folder_.put("in", R"({"type":"FeatureCollection","features":[)");
  ASSERT_EQ(::truncate(path.c_str(), int64_t{2} << 30), 0);
  const std::string what =
      error_of([&] { convert_shapes(path, folder_.file("out.geojson"), {}, nullptr, Context()); });
  EXPECT_NE(what.find("found a zero byte, expected text"), std::string::npos) << what;
}

TEST_F(BadAnnotations, CutShort) {
  const std::string text = polygon("[0,0],[4,0],[4,4],[0,0]");
  for (size_t bytes = 1; bytes < text.size(); ++bytes) {
    const std::string what = refused(text.substr(0, bytes), {.from = "geojson"});
    EXPECT_NE(what.find("JSON"), std::string::npos) << bytes << what;
  }
  EXPECT_NE(refused(text + "x").find("'x' after the document"), std::string::npos);
}

}  // namespace
}  // namespace lamella::annotation
