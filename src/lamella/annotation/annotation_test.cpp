// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/annotation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <clocale>
#include <filesystem>
#include <functional>

#include "lamella/base/error.h"
#include "lamella/io/files.h"

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

std::string xml_message(std::string_view text) {
  return message_of([&] { parse_annotations(text, "a.xml", "asap"); });
}

std::string asap(const std::string& annotations, const std::string& groups = "") {
  return "<ASAP_Annotations>\n<Annotations>\n" + annotations + "</Annotations>\n" + groups +
         "</ASAP_Annotations>\n";
}

const std::string kTriangle =
    "<Annotation Name=\"a\" Type=\"Polygon\" PartOfGroup=\"Tumor\"><Coordinates>"
    "<Coordinate Order=\"2\" X=\"0\" Y=\"8.25\"/><Coordinate Order=\"0\" X=\"-1\" Y=\"0\"/>"
    "<Coordinate Order=\"1\" X=\"8\" Y=\"0\"/></Coordinates></Annotation>\n";

TEST(AsapXml, SortsPointsByOrderAndListsGroupsOnce) {
  const AnnotationSet set = parse_annotations(asap(kTriangle + kTriangle,
                                                   "<AnnotationGroups><Group Name=\"Tumor\"/>"
                                                   "<Group Name=\"_2\"/></AnnotationGroups>\n"),
                                              "a.xml");
  ASSERT_EQ(set.polygons.size(), 2u);
  EXPECT_EQ(set.polygons[0].name, "a");
  EXPECT_EQ(set.polygons[0].group, "Tumor");
  EXPECT_EQ(set.polygons[0].ring, (std::vector<PointF>{{-1, 0}, {8, 0}, {0, 8.25}}));
  EXPECT_EQ(set.groups, (std::vector<std::string>{"Tumor", "_2"}));
  EXPECT_TRUE(set.notes.empty());
  EXPECT_EQ(set.path, "a.xml");
}

TEST(AsapXml, DropsTheClosingPointAndKeepsUngroupedEmpty) {
  const AnnotationSet set = parse_annotations(
      asap("<Annotation Name=\"r\" Type=\"Rectangle\" PartOfGroup=\"None\"><Coordinates>"
           "<Coordinate X=\"0\" Y=\"0\"/><Coordinate X=\"4\" Y=\"0\"/><Coordinate X=\"4\" Y=\"2\"/>"
           "<Coordinate X=\"0\" Y=\"2\"/><Coordinate X=\"0\" Y=\"0\"/>"
           "</Coordinates></Annotation>"),
      "a.xml");
  ASSERT_EQ(set.polygons.size(), 1u);
  EXPECT_EQ(set.polygons[0].group, "");
  EXPECT_EQ(set.polygons[0].ring.size(), 4u);
  EXPECT_TRUE(set.groups.empty());
}

TEST(AsapXml, NotesWhatIsAdaptedOrLeftOut) {
  std::string spline = kTriangle;
  spline.replace(spline.find("Polygon"), 7, "Spline");
  const AnnotationSet set = parse_annotations(
      asap(spline + "<Annotation Name=\"d\" Type=\"Dot\" PartOfGroup=\"Cells\"><Coordinates>"
                    "<Coordinate Order=\"0\" X=\"1\" Y=\"1\"/></Coordinates></Annotation>"),
      "a.xml");
  EXPECT_EQ(set.polygons.size(), 1u);
  EXPECT_EQ(
      set.notes,
      (std::vector<std::string>{
          "annotation 'd' of type Dot has no area: left out",
          "annotation 'a' is a spline: its curve was made straight lines, 16 from point to point",
          "group 'Tumor' is used but not declared", "group 'Cells' is used but not declared"}));
}

TEST(AsapXml, ManyNotesAreOne) {
  std::string dots;
  for (int i = 0; i < 10'003; ++i) {
    dots += "<Annotation Name=\"d" + std::to_string(i) + "\" Type=\"Dot\" PartOfGroup=\"None\"/>\n";
  }
  const std::string stray =
      "<Annotation Name=\"s\" Type=\"Polygon\" PartOfGroup=\"Tumor\"><Coordinates>"
      "<Coordinate X=\"0\" Y=\"0\"/><Coordinate X=\"1\" Y=\"0\"/>"
      "<Coordinate X=\"0\" Y=\"0\"/></Coordinates></Annotation>\n";
  const AnnotationSet set =
      parse_annotations(asap(dots + stray + kTriangle,
                             "<AnnotationGroups><Group Name=\"Tumor\"/></AnnotationGroups>"),
                        "a.xml");
  EXPECT_EQ(set.polygons.size(), 1u);
  EXPECT_EQ(set.notes,
            (std::vector<std::string>{
                "10003 annotations of type Dot have no area: left out: 'd0', 'd1', 'd2', …",
                "annotation 's' has fewer than 3 different points and no area: left out"}));
}

TEST(AsapXml, AnEmptyFileOfASlideWithoutTumourIsFine) {
  EXPECT_TRUE(parse_annotations(asap(""), "a.xml").polygons.empty());
}

TEST(AsapXml, ErrorsTellWhereWhatAndWhatWasExpected) {
  EXPECT_EQ(
      xml_message("<ASAP_Annotations>\n<Annotations>\n  </Annotation>\n"),
      "a.xml: line 3, column 5: found 'Annotation>', expected well-formed XML (mismatched tag)");
  EXPECT_EQ(xml_message(""),
            "a.xml: line 1, column 1: found the end of the file, expected well-formed XML (no "
            "element found)");
  EXPECT_EQ(xml_message("<?xml version=\"1.0\"?>\n<Annotations MicronsPerPixel=\"0.25\"/>"),
            "a.xml: line 2, column 1: found root element 'Annotations', expected "
            "'ASAP_Annotations'");
  EXPECT_EQ(xml_message("<ASAP_Annotations/>"),
            "a.xml: line 1, column 1: found no element 'Annotations', expected one inside "
            "'ASAP_Annotations'");
  EXPECT_EQ(xml_message(asap("  <Annotation Name=\"x\" Type=\"Circle\"/>")),
            "a.xml: line 3, column 3: found Type='Circle', expected one of Polygon, Rectangle, "
            "Spline, Dot, PointSet, Measurement, None");
}

TEST(AsapXml, WrongCoordinatesAreErrors) {
  const auto with = [](const std::string& coordinate) {
    return xml_message(
        asap("<Annotation Name=\"x\" Type=\"Polygon\" PartOfGroup=\"None\">\n"
             "<Coordinates>\n " +
             coordinate + "</Coordinates></Annotation>"));
  };
  EXPECT_EQ(with("<Coordinate Order=\"0\" X=\"1,5\" Y=\"2\"/>"),
            "a.xml: line 5, column 2: found X='1,5', expected a number between -1e9 and 1e9 "
            "(level-0 px)");
  EXPECT_EQ(with("<Coordinate Order=\"0\" X=\"1\"/>"),
            "a.xml: line 5, column 2: found no attribute Y, expected Y in level-0 px");
  for (const char* bad : {"nan", "inf", "1e300", "", "12px"}) {
    EXPECT_NE(with("<Coordinate Order=\"0\" X=\"1\" Y=\"" + std::string(bad) + "\"/>")
                  .find("expected a number"),
              std::string::npos)
        << bad;
  }
}

TEST(AsapXml, RoundTrip) {
  AnnotationSet set;
  set.polygons = {{"a & \"b\" <ü>", "Tumor", {{0.1, -3}, {1e5 + 1.0 / 3, 0}, {5, 123456.789}}},
                  {"", "", {{0, 0}, {1, 0}, {1, 1}, {0, 1}}}};
  set.groups = {"Exclusion", "Tumor"};
  const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "_round_trip.xml";
  write_annotations(set, "asap", path);
  const AnnotationSet back = read_annotations(path);
  ASSERT_EQ(back.polygons.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back.polygons[i].name, i == 0 ? set.polygons[i].name : "line 11");
    EXPECT_EQ(back.polygons[i].group, set.polygons[i].group);
    EXPECT_EQ(back.polygons[i].ring, set.polygons[i].ring);
  }
  EXPECT_EQ(back.groups, (std::vector<std::string>{"Tumor", "Exclusion"}));
  EXPECT_TRUE(back.notes.empty());
  std::filesystem::remove(path);
}

std::vector<Centre> centres_from(const std::string& text) {
  const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "_centres.txt";
  io::write_file_atomic(path, text);
  return read_ncrf_centres(path);
}

std::string json_message(std::string_view text) {
  return message_of([&] { parse_annotations(text, "a.json", "ncrf"); });
}

TEST(NcrfJson, PositiveAndNegativeAreGroups) {
  const AnnotationSet set = parse_annotations(
      R"({"positive": [{"name": "_0", "vertices": [[0, 0], [8.5, 0], [0, 4], [0, 0]]}],
          "negative": [{"vertices": [[1, 1], [2, 1], [1, 2]]}]})",
      "a.json");
  EXPECT_EQ(set.groups, (std::vector<std::string>{"positive", "negative"}));
  ASSERT_EQ(set.polygons.size(), 2u);
  EXPECT_EQ(set.polygons[0].name, "_0");
  EXPECT_EQ(set.polygons[0].group, "positive");
  EXPECT_EQ(set.polygons[0].ring, (std::vector<PointF>{{0, 0}, {8.5, 0}, {0, 4}}));
  EXPECT_EQ(set.polygons[1].name, "negative[0]");
  EXPECT_EQ(set.polygons[1].group, "negative");
  EXPECT_TRUE(parse_annotations(R"({"positive": [], "negative": []})", "a.json").polygons.empty());
}

TEST(NcrfJson, AStrayOutlineIsLeftOut) {
  const AnnotationSet set = parse_annotations(
      R"({"positive": [{"name": "s", "vertices": [[0, 0], [1, 0], [0, 0]]},
                       {"name": "a", "vertices": [[0, 0], [1, 0], [0, 1]]}], "negative": []})",
      "a.json");
  ASSERT_EQ(set.polygons.size(), 1u);
  EXPECT_EQ(set.polygons[0].name, "a");
  EXPECT_EQ(set.notes,
            std::vector<std::string>{
                "annotation 's' has fewer than 3 different points and no area: left out"});
}

TEST(NcrfJson, ErrorsTellWhereWhatAndWhatWasExpected) {
  EXPECT_NE(json_message("{\"positive\": [").find("a.json"), std::string::npos);
  EXPECT_NE(json_message("{\"positive\": [").find("line 1"), std::string::npos);
  EXPECT_NE(json_message("[1]").find("no object"), std::string::npos);
  EXPECT_NE(json_message(R"({"positive": )" + std::string(100'000, '[')).find("nested deeper"),
            std::string::npos);
  EXPECT_NE(json_message(R"({"positive": []})").find("no list 'negative'"), std::string::npos);
  const auto with = [](const std::string& polygon) {
    return json_message(R"({"positive": [)" + polygon + R"(], "negative": []})");
  };
  EXPECT_NE(with("3").find("positive[0]: found 3"), std::string::npos);
  EXPECT_NE(with(R"({"name": "a"})").find("no list 'vertices'"), std::string::npos);
  EXPECT_NE(with(R"({"vertices": [[0, 0], [1, 0], [1]]})").find("vertices[2]: found [1]"),
            std::string::npos);
  EXPECT_NE(with(R"({"vertices": [[0, 0], [1, 0], [1, "a"]]})").find("found \"a\""),
            std::string::npos);
  EXPECT_NE(with(R"({"vertices": [[0, 0], [1, 0], [1, 2e9]]})").find("between -1e9 and 1e9"),
            std::string::npos);
}

TEST(ReadAnnotations, TellsTheFormatsApart) {
  const std::string folder = ::testing::TempDir() + std::to_string(::getpid());
  io::make_folders(folder);
  io::write_file_atomic(folder + "/a.annotation", "\n " + asap(kTriangle));
  EXPECT_EQ(read_annotations(folder + "/a.annotation").groups.front(), "Tumor");
  io::write_file_atomic(folder + "/b.annotation", R"( {"positive": [], "negative": []})");
  EXPECT_EQ(read_annotations(folder + "/b.annotation").groups.front(), "positive");
  const std::string xml = "<?xml version=\"1.0\"?>\n<!-- <x> -->\n" + asap(kTriangle);
  std::string wide = "\xFF\xFE";
  for (const char c : xml) wide += std::string{c, '\0'};
  io::write_file_atomic(folder + "/c.annotation", wide);
  const AnnotationSet set = read_annotations(folder + "/c.annotation");
  EXPECT_EQ(set.polygons.size(), 1u);
  EXPECT_NE(set.notes.back().find("UTF-16"), std::string::npos);
  io::write_file_atomic(folder + "/d.annotation", "[]");
  EXPECT_TRUE(read_annotations(folder + "/d.annotation").polygons.empty());
}

TEST(ReadAnnotations, SaysWhatItFoundInPlaceOfThem) {
  const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "_other";
  const auto message = [&](const std::string& text) {
    io::write_file_atomic(path, text);
    const std::string what = message_of([&] { read_annotations(path); });
    return what.substr(what.find("found"));
  };
  const std::string expected =
      ", expected annotations as one of: ASAP XML, GeoJSON of QuPath, NCRF JSON, Aperio ImageScope "
      "XML, Hamamatsu NDPA, slideflow ROI CSV";
  EXPECT_EQ(message(""), "found an empty file" + expected);
  EXPECT_EQ(message("<Notes MicronsPerPixel=\"0.25\"/>"),
            "found XML with the root element 'Notes'" + expected);
  EXPECT_EQ(message("{\"a\": 1}"),
            "found JSON without positive and negative lists or features" + expected);
  EXPECT_EQ(message("x,y\n1,2\n"), "found a file that begins with 'x,y'" + expected);
}

TEST(NcrfCentres, KeepsIdsAndLinesAndMatchesWithoutCase) {
  const auto centres = centres_from("Tumor_024,25417,127565\r\n\nNormal_1,3.5,-4\ntumor_024,1,2\n");
  ASSERT_EQ(centres.size(), 3u);
  EXPECT_EQ(centres[0].slide_id, "Tumor_024");
  EXPECT_EQ(centres[0].x_px, 25417);
  EXPECT_EQ(centres[0].y_px, 127565);
  EXPECT_EQ(centres[1].line, 3);
  EXPECT_EQ(centres[1].x_px, 3.5);
  EXPECT_EQ(centres[1].y_px, -4);
  const auto found = centres_of(centres, "TUMOR_024");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].slide_id, "tumor_024");
  EXPECT_TRUE(centres_of(centres, "Tumor_02").empty());
}

TEST(NcrfCentres, SkipsAHeaderLineOnly) {
  EXPECT_EQ(centres_from("slide,x_centre,y_centre\na,1,2\n").size(), 1u);
  EXPECT_NE(message_of([] { centres_from("slide,left,top\na,1,2\n"); }).find("line 1, column 7"),
            std::string::npos);
  EXPECT_NE(message_of([] { centres_from("a,1,2\nslide,x,y\n"); }).find("line 2, column 7"),
            std::string::npos);
}

TEST(NcrfCentres, OtherSeparatorsAndColumns) {
  for (const char* text :
       {"a;1,5;2\nb;3;4,25\n", "a\t1.5\t2\nb\t3\t4.25\n", "x;grade;Slide;y\n1,5;2;a;2\n3;;b;4,25\n",
        "slide_id,x_px,y_px,grade,\na,1.5,2,3,\nb,3,4.25,,\n,,,,\n"}) {
    const auto centres = centres_from(text);
    ASSERT_EQ(centres.size(), 2u) << text;
    EXPECT_EQ(centres[0].slide_id, "a");
    EXPECT_EQ(centres[0].x_px, 1.5) << text;
    EXPECT_EQ(centres[0].y_px, 2);
    EXPECT_EQ(centres[1].y_px, 4.25);
  }
  const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "_noted.txt";
  io::write_file_atomic(path, "slide,x,y,label\na,1,2,0\n");
  std::vector<std::string> notes;
  read_ncrf_centres(path, &notes);
  EXPECT_EQ(notes, std::vector<std::string>{"columns that mean nothing here are left out: label"});
}

TEST(NcrfCentres, BadLinesTellTheirPlace) {
  const auto message = [](const std::string& text) {
    const std::string what = message_of([&] { centres_from(text); });
    return what.substr(what.find("line"));
  };
  EXPECT_EQ(message("a,1,2\nb,1;5,2\n"),
            "line 2, column 3: found '1;5', expected the centre's x in level-0 px");
  EXPECT_EQ(message("a,1,nan\n"),
            "line 1, column 5: found 'nan', expected the centre's y in level-0 px");
  EXPECT_EQ(message("a,1\n"), "line 1: found 2 fields, expected three: slide,x,y");
  EXPECT_EQ(centres_from("a,1,2,,\n").size(), 1u);
  EXPECT_EQ(message("slide,minx,miny\na,1,2\n"),
            "line 1, column 7: found 'minx', expected the centre's x in level-0 px");
  EXPECT_EQ(message("a;1,234;2\n"),
            "line 1, column 3: found '1,234', expected the centre's x in level-0 px");
  EXPECT_EQ(message("a,1,2,3\n"),
            "line 1, column 7: found '3', expected the end of the line after slide,x,y");
  EXPECT_EQ(message(",1,2\n"), "line 1, column 1: found '', expected a slide id");
}

TEST(NcrfCentres, DoNotDependOnTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) GTEST_SKIP() << "no locale with a decimal comma";
  const auto centres = centres_from("a,1.5,2.25\n");
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(centres[0].x_px, 1.5);
  EXPECT_EQ(centres[0].y_px, 2.25);
}

}  // namespace
}  // namespace lamella::annotation
