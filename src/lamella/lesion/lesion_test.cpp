// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/lesion/detections.h"
#include "lamella/lesion/lesion_map.h"

namespace lamella::lesion {
namespace {

imagefile::Samples blank(int width, int height) {
  return {width, height, std::vector<uint16_t>(static_cast<size_t>(width * height), 0), false};
}

void paint(imagefile::Samples& mask, int x, int y, int width, int height, uint16_t value = 255) {
  for (int v = y; v < y + height; ++v) {
    for (int u = x; u < x + width; ++u) {
      mask.values[static_cast<size_t>(v * mask.width + u)] = value;
    }
  }
}

LesionMap map_of(const imagefile::Samples& mask, std::vector<std::string>* notes = nullptr) {
  return find_lesions(mask_of_samples(mask, {}, {}, notes), {});
}

annotation::Polygon square(const std::string& group, double x, double y, double side) {
  return {"", group, {{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}};
}

TEST(Lesions, NearPartsAreOne) {
  // The threshold is 75 / (0.243 * 32 * 2) = 4.82 cells: each part grows by 4 cells straight on, so
  // parts with 8 empty cells between them touch; those with 9 do not, and 8-connection does not
  // help across an empty column.
  for (const auto& [gap, lesions] : {std::pair(8, 1), std::pair(9, 2)}) {
    imagefile::Samples mask = blank(120, 60);
    paint(mask, 10, 20, 10, 10);
    paint(mask, 20 + gap, 20, 10, 10);
    EXPECT_EQ(static_cast<int>(map_of(mask).lesions.size()), lesions) << gap;
  }
  // Corners that touch alone are connected: grown squares have their corners rounded off.
  imagefile::Samples one = blank(40, 40);
  paint(one, 20, 20, 1, 1);
  const LesionMap disk = map_of(one);
  // Cells nearer than 4.82: x² + y² < 23.26: rows of 9, 9, 9, 7, 5 (0 to 4 away): 9 + 2 * 30.
  EXPECT_EQ(disk.lesions.at(0).cells, 9 + 2 * (9 + 9 + 7 + 5));
}

TEST(Lesions, HolesAreFilledAndNotchesAreNot) {
  imagefile::Samples ring = blank(100, 100);
  paint(ring, 20, 20, 50, 50);
  paint(ring, 30, 30, 30, 30, 0);
  const LesionMap filled = map_of(ring);
  EXPECT_EQ(filled.at(45 * 32, 45 * 32), 1) << "the middle of the ring";
  paint(ring, 40, 0, 12, 100, 0);  // a way out, wider than what is grown
  EXPECT_EQ(map_of(ring).at(45 * 32, 45 * 32), 0);
}

TEST(Lesions, OfOneAsGreatestValueAreTakenAs255) {
  imagefile::Samples mask = blank(60, 60);
  paint(mask, 5, 5, 10, 10, 1);
  paint(mask, 40, 40, 10, 10, 1);
  std::vector<std::string> notes;
  EXPECT_EQ(map_of(mask, &notes).lesions.size(), 2u) << "not everything joined into one";
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("greatest value is 1"), std::string::npos);
  paint(mask, 5, 5, 1, 1, 7);
  EXPECT_THROW(map_of(mask), Error);
}

TEST(Lesions, IsolatedCellsAreTheShortOnes) {
  // A rectangle of a x b cells has 4 sqrt((a² - 1) / 12) as its axis; the limit is 35.37 cells.
  // Grown by 4 on each side, with its corners rounded, a bar of 22 x 1 is 30 long: isolated; one
  // of 40 x 1 is not.
  imagefile::Samples mask = blank(200, 60);
  paint(mask, 10, 20, 22, 1);
  paint(mask, 100, 20, 40, 1);
  const LesionMap map = map_of(mask);
  ASSERT_EQ(map.lesions.size(), 2u);
  EXPECT_TRUE(map.lesions[0].isolated);
  EXPECT_FALSE(map.lesions[1].isolated);
  EXPECT_EQ(map.counted(), 1);
  EXPECT_LT(map.lesions[0].major_axis_um, 275);
  EXPECT_GT(map.lesions[1].major_axis_um, 275);
}

TEST(Lesions, AxisOfARectangleByHand) {
  LesionRules rules;
  rules.joined_um = 0.1;  // nothing is grown: only the cells themselves are nearer than 0.006
  imagefile::Samples mask = blank(60, 30);
  paint(mask, 5, 5, 40, 10);
  const LesionMap map = find_lesions(mask_of_samples(mask, {}, rules, nullptr), rules);
  EXPECT_EQ(map.lesions.at(0).cells, 400);
  EXPECT_NEAR(map.lesions[0].major_axis_um, 4 * std::sqrt(1599.0 / 12) * 0.243 * 32, 1e-6);
}

TEST(Lesions, PlacesAreRoundedDown) {
  imagefile::Samples mask = blank(60, 60);
  paint(mask, 20, 20, 20, 20);
  const LesionMap map = map_of(mask);
  // Grown by 4: from cell 16.
  EXPECT_EQ(map.at(16 * 32, 30 * 32), 1);
  EXPECT_EQ(map.at(16 * 32 - 1, 30 * 32), 0);
  EXPECT_EQ(map.at(60 * 32, 30 * 32), std::nullopt) << "outside the slide";
  EXPECT_EQ(map.at(-1, 30 * 32), std::nullopt);
}

TEST(Lesions, OutlinesAndTheirMaskAgree) {
  annotation::AnnotationSet set;
  set.polygons = {square("_0", 640, 640, 960), square("_2", 960, 960, 320)};
  set.polygons.push_back(square("Tumor", 3200, 640, 1280));
  const SizePx slide{6000, 3200};
  const TumourMask drawn = mask_of_outlines(set, slide, {}, nullptr);
  // Cells 20-49 of both axes, less 30-39; cells 100-139 x 20-59.
  imagefile::Samples mask = blank(187, 100);
  paint(mask, 20, 20, 30, 30);
  paint(mask, 30, 30, 10, 10, 0);
  paint(mask, 100, 20, 40, 40);
  const LesionMap a = find_lesions(drawn, {});
  const LesionMap b = find_lesions(mask_of_samples(mask, slide, {}, nullptr), {});
  ASSERT_EQ(a.lesions.size(), 2u);
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(a.lesions[k].cells, b.lesions[k].cells);
    EXPECT_DOUBLE_EQ(a.lesions[k].major_axis_um, b.lesions[k].major_axis_um);
  }
  for (int64_t y = 0; y < 3200; y += 16) {
    for (int64_t x = 0; x < 5984; x += 16) ASSERT_EQ(a.at(x, y), b.at(x, y)) << x << "," << y;
  }
}

TEST(Lesions, GroupsThatNobodyKnows) {
  annotation::AnnotationSet set;
  set.polygons = {square("Lesion", 640, 640, 960)};
  std::vector<std::string> notes;
  EXPECT_EQ(find_lesions(mask_of_outlines(set, {}, {}, &notes), {}).lesions.size(), 1u);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("taken as tumour"), std::string::npos);
  set.polygons.push_back(square("Tumor", 9600, 640, 960));
  EXPECT_EQ(find_lesions(mask_of_outlines(set, {}, {}, &notes), {}).lesions.size(), 1u);
  EXPECT_NE(notes.back().find("left out"), std::string::npos);
}

TEST(Lesions, OfANormalSlideAreNone) {
  const LesionMap none = find_lesions(mask_of_outlines({}, {}, {}, nullptr), {});
  EXPECT_TRUE(none.lesions.empty());
  EXPECT_EQ(none.at(100, 100), 0);
  EXPECT_EQ(map_of(blank(20, 20)).at(100, 100), 0);
  EXPECT_THROW(mask_of_samples(blank(20, 20), {6000, 3200}, {}, nullptr), Error);
}

class DetectionFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& text) const {
    io::write_file_atomic(path_, text);
    return path_;
  }
  ~DetectionFiles() override { std::filesystem::remove(path_); }
  std::string path_ = std::filesystem::temp_directory_path() /
                      ("lamella_detections_" + std::to_string(::getpid()) + ".csv");
};

TEST_F(DetectionFiles, AreReadAsTheyWereWritten) {
  const std::vector<Detection> some = {{0.981, 41233, 88410}, {0.644, 40012, 87990}};
  write_detections(some, path_);
  EXPECT_EQ(io::read_text_file(path_), "0.981,41233,88410\n0.644,40012,87990\n");
  EXPECT_EQ(read_detections(path_), some);
  EXPECT_TRUE(read_detections(write("")).empty()) << "an empty file: no detections";
  std::vector<std::string> notes;
  EXPECT_EQ(read_detections(write("confidence,x,y\n0.5,1,2\n"), &notes).size(), 1u);
  EXPECT_EQ(notes.size(), 1u);
  for (const char* wrong : {"0.5,1\n", "0.5,1,2,3\n", "0.5,1.5,2\n", "nan,1,2\n", "-1,1,2\n",
                            "0.5,1,1e12\n", "0.5,x,2\n"}) {
    EXPECT_THROW(read_detections(write(wrong)), Error) << wrong;
  }
  EXPECT_THROW(read_detections("/no/such.csv"), Error);
}

TEST_F(DetectionFiles, OfSlides) {
  write_slide_probabilities({{"Test_001", 0.25}, {"Test_002", 1}}, path_);
  EXPECT_EQ(io::read_text_file(path_), "image,probability\nTest_001,0.25\nTest_002,1\n");
  EXPECT_EQ(read_slide_probabilities(path_).at(1).probability, 1);
  EXPECT_THROW(read_slide_probabilities(write("a,0.5\nA,0.5\n")), Error);
  EXPECT_THROW(read_slide_probabilities(write("a,1.5\n")), Error);
}

TEST(Detect, TheHighestFirstAndNoneNearIt) {
  // 0.9 at 100; 0.8 is 50 px off: gone with a radius of 60. 0.7 is far. 0.5 is not above 0.5.
  const std::vector<ScoredPlace> places = {
      {150, 100, 0.8}, {100.5, 100, 0.9}, {400, 100, 0.7}, {900, 100, 0.5}};
  const auto found = detect(places, {0.5, 60});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (Detection{0.9, 100, 100}));
  EXPECT_EQ(found[1].x_px, 400);
  EXPECT_EQ(detect(places, {0.5, 40}).size(), 3u);
  EXPECT_THROW(detect(places, {2, 60}), Error);
}

}  // namespace
}  // namespace lamella::lesion
