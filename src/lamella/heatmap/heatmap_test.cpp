// SPDX-License-Identifier: Apache-2.0
#include "lamella/heatmap/heatmap.h"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/random.h"

namespace lamella::heatmap {
namespace {

ScoredPatches patches_at(std::vector<std::pair<double, double>> positions, double size) {
  ScoredPatches patches;
  patches.width_px = patches.height_px = size;
  patches.scores.classes = {{"no", "yes"}};
  for (const auto& [x, y] : positions) {
    patches.x_px.push_back(x);
    patches.y_px.push_back(y);
    const float score = 0.1f * static_cast<float>(patches.scores.rows() + 1);
    patches.scores.values.insert(patches.scores.values.end(), {1 - score, score});
  }
  return patches;
}

TEST(MakeHeatmap, LaysScoresOnTheGrid) {
  // A 2 x 3 grid of 50 px steps from (100, 200), one place missing.
  const HeatMap map = make_heatmap(
      patches_at({{100, 200}, {200, 200}, {100, 250}, {150, 250}, {200, 250}}, 50), {1000, 800});
  EXPECT_EQ(map.rows, 2);
  EXPECT_EQ(map.columns, 3);
  EXPECT_EQ(map.origin_x_px, 100);
  EXPECT_EQ(map.origin_y_px, 200);
  EXPECT_EQ(map.cell_x_px, 50);
  EXPECT_FLOAT_EQ(map.values[0], 0.1f);
  EXPECT_TRUE(std::isnan(map.values[1]));
  EXPECT_FLOAT_EQ(map.values[2], 0.2f);
  EXPECT_FLOAT_EQ(map.values[4], 0.4f);
  EXPECT_EQ(map.slide_size_px, (SizePx{1000, 800}));
}

TEST(MakeHeatmap, TakesThePatchesCentresWhereTheyOverlap) {
  // Patches of 100 px every 40: the cell is the 40 px in the middle, 30 px from the patch's edge.
  const HeatMap map = make_heatmap(patches_at({{0, 0}, {40, 0}, {80, 0}}, 100), {500, 500});
  EXPECT_EQ(map.columns, 3);
  EXPECT_EQ(map.rows, 1);
  EXPECT_EQ(map.cell_x_px, 40);
  EXPECT_EQ(map.origin_x_px, 30);
  EXPECT_EQ(map.cell_y_px, 100);  // one row: its own size
  EXPECT_EQ(map.origin_y_px, 0);
}

TEST(MakeHeatmap, FindsARealValuedStepBehindRoundedPositions) {
  // 400.8 px rounded: 0, 401, 802, 1202, ..., as a grid by mpp makes them.
  std::vector<std::pair<double, double>> positions;
  for (int i = 0; i < 60; ++i) positions.push_back({std::round(i * 400.8), 0});
  const HeatMap map = make_heatmap(patches_at(positions, 400.8), {30000, 500});
  EXPECT_EQ(map.columns, 60);
  EXPECT_NEAR(map.cell_x_px, 400.8, 0.02);
  for (const float value : map.values) EXPECT_FALSE(std::isnan(value));
}

TEST(MakeHeatmap, OnePatchAndNone) {
  const HeatMap one = make_heatmap(patches_at({{7, 9}}, 50), {100, 100});
  EXPECT_EQ(one.rows * one.columns, 1);
  EXPECT_EQ(one.origin_x_px, 7);
  EXPECT_EQ(one.cell_x_px, 50);
  EXPECT_EQ(make_heatmap(patches_at({}, 50), {100, 100}).values.size(), 0u);
}

TEST(MakeHeatmap, RefusesWhatIsNoGrid) {
  EXPECT_THROW(make_heatmap(patches_at({{0, 0}, {50, 0}, {120, 0}}, 50), {500, 500}), Error);
  EXPECT_THROW(make_heatmap(patches_at({{0, 0}, {0, 0}, {50, 0}}, 50), {500, 500}), Error);
  ScoredPatches odd = patches_at({{0, 0}, {50, 0}}, 50);
  odd.x_px.pop_back();
  EXPECT_THROW(make_heatmap(odd, {500, 500}), Error);
}

feature::ScoreMatrix scores_of(const std::vector<float>& second) {
  feature::ScoreMatrix scores{{{"no", "yes"}}, {}};
  for (const float p : second) scores.values.insert(scores.values.end(), {1 - p, p});
  return scores;
}

TEST(SlideScore, IsTheHighestOfTwentyOverAllChoices) {
  EXPECT_TRUE(std::isnan(slide_score(scores_of({}))));
  EXPECT_NEAR(slide_score(scores_of({0.2f, 0.4f, 0.6f})), 0.6, 1e-6);
  EXPECT_NEAR(slide_score(scores_of({0.2f, 0.4f, 0.6f}), "no"), 0.8, 1e-6);
  EXPECT_NEAR(slide_score(scores_of({0.2f, 0.4f, 0.6f}), kMostLikely), 0.6, 1e-6);
  // 21 patches of which one has 1 and the others 0: 20 of the 21 choices of 20 hold it.
  std::vector<float> one(21, 0.0f);
  one[7] = 1;
  EXPECT_NEAR(slide_score(scores_of(one)), 20.0 / 21, 1e-6);
  // 0, 1/40 ... 39/40: the highest of 20 of 1 ... 40 is 20 / 21 * 41 on average.
  std::vector<float> even;
  for (int i = 0; i < 40; ++i) even.push_back(static_cast<float>(i) / 40);
  EXPECT_NEAR(slide_score(scores_of(even)), (20.0 / 21 * 41 - 1) / 40, 1e-6);
}

TEST(SlideScore, DoesNotGrowWithTheAreaOfNormalTissue) {
  // Of 20 patches of one kind of tissue and of 2,000: the same on average.
  Random random(5);
  double small = 0, large = 0;
  for (int slide = 0; slide < 200; ++slide) {
    std::vector<float> few, many;
    for (int i = 0; i < 2000; ++i) {
      const double u = random.uniform();
      many.push_back(static_cast<float>(u * u * u * u));
      if (i < 20) few.push_back(many.back());
    }
    small += slide_score(scores_of(few)) / 200;
    large += slide_score(scores_of(many)) / 200;
  }
  // The highest of 20 uniforms to the fourth power: 20 / 24.
  EXPECT_NEAR(large, 20.0 / 24, 0.01);
  EXPECT_NEAR(small, 20.0 / 24, 0.03);
}

TEST(MakeHeatmap, ShowsTheClassAskedFor) {
  ScoredPatches patches = patches_at({{0, 0}, {50, 0}}, 50);
  patches.scores = {{{"a", "b", "c"}}, {0.2f, 0.5f, 0.3f, 0.1f, 0.3f, 0.6f}};
  const HeatMap last = make_heatmap(patches, {100, 50});
  EXPECT_EQ(last.shown, "c");
  EXPECT_EQ(last.values, (std::vector<float>{0.3f, 0.6f}));
  EXPECT_EQ(make_heatmap(patches, {100, 50}, "a").values, (std::vector<float>{0.2f, 0.1f}));
  const HeatMap most = make_heatmap(patches, {100, 50}, kMostLikely);
  EXPECT_EQ(most.values, (std::vector<float>{1, 2}));
  EXPECT_EQ(most.shown, kMostLikely);
  try {
    make_heatmap(patches, {100, 50}, "B");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(error.message().find("expected one of a, b, c"), std::string::npos);
  }
}

TEST(MakeHeatmap, RefusesScoresOfAnotherSlide) {
  const auto map_on = [](std::vector<double> xs, SizePx slide) {
    ScoredPatches patches;
    patches.y_px.assign(xs.size(), 0);
    patches.x_px = std::move(xs);
    patches.width_px = patches.height_px = 100;
    patches.scores = {{{"normal", "tumor"}}, std::vector<float>(2 * patches.x_px.size(), 0.5f)};
    return make_heatmap(patches, slide);
  };
  EXPECT_EQ(map_on({0, 100, 200}, {201, 50}).columns, 3) << "the last may overhang";
  EXPECT_EQ(map_on({-50, 50}, {201, 50}).columns, 2);
  try {
    map_on({0, 100, 200}, {200, 50});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_EQ(error.message(),
              "1 of 3 scored patches lie outside the slide of 200 x 50 px, the first at 200,0; "
              "expected scores of this slide, in level-0 px");
  }
}

TEST(DrawOverlay, TintsOnlyWhereItLooked) {
  HeatMap map;
  map.rows = 1;
  map.columns = 2;
  map.values = {1.0f, std::nanf("")};
  map.cell_x_px = map.cell_y_px = 100;
  map.slide_size_px = {300, 100};
  const Image thumbnail(300, 100, 3, 200);
  OverlayOptions options;
  options.opacity = 1;
  const Image picture = draw_overlay(map, thumbnail.view(), options);
  ASSERT_GT(picture.width(), 300);
  // The slide lies at (14, 14), the unit of a small picture. Magma ends in a pale yellow.
  const uint8_t* hot = picture.row(14 + 50) + 3 * (14 + 50);
  EXPECT_EQ(hot[0], 252);
  EXPECT_EQ(hot[1], 253);
  EXPECT_EQ(hot[2], 191);
  const uint8_t* unseen = picture.row(14 + 50) + 3 * (14 + 150);
  EXPECT_EQ(unseen[0], 200);
  const uint8_t* beyond = picture.row(14 + 50) + 3 * (14 + 250);
  EXPECT_EQ(beyond[2], 200);
}

TEST(DrawOverlay, ShowsTheMostLikelyClassInColoursOfTheLegend) {
  ScoredPatches patches = patches_at({{0, 0}, {100, 0}, {200, 0}}, 100);
  patches.scores = {{{"fat", "stroma", "tumor"}}, {0.6f, 0.3f, 0.1f, 0.1f, 0.2f, 0.7f, 0, 1, 0}};
  const HeatMap map = make_heatmap(patches, {300, 100}, kMostLikely);
  OverlayOptions options;
  options.opacity = 1;
  options.title = "slide";
  const Image thumbnail(300, 100, 3, 200);
  const Image picture = draw_overlay(map, thumbnail.view(), options);
  // The slide lies at (14, 42): blue, bluish green, orange.
  const auto at = [&](int x, int y) {
    const uint8_t* pixel = picture.row(y) + 3 * x;
    return std::array<int, 3>{pixel[0], pixel[1], pixel[2]};
  };
  const std::array<int, 3> blue{0, 114, 178}, orange{230, 159, 0}, green{0, 158, 115};
  EXPECT_EQ(at(14 + 50, 42 + 50), blue);
  EXPECT_EQ(at(14 + 150, 42 + 50), green);
  EXPECT_EQ(at(14 + 250, 42 + 50), orange);
  // The legend's boxes are 14 px, 21 px apart, 14 px right of the slide.
  EXPECT_EQ(at(328 + 7, 42 + 7), blue);
  EXPECT_EQ(at(328 + 7, 42 + 21 + 7), orange);
  EXPECT_EQ(at(328 + 7, 42 + 42 + 7), green);
}

TEST(DrawOverlay, HasALegendOfSixtyFourClasses) {
  ScoredPatches patches = patches_at({{0, 0}}, 100);
  patches.scores.classes.names.clear();
  patches.scores.values.assign(64, 1.0f / 64);
  for (int k = 0; k < 64; ++k) {
    patches.scores.classes.names.push_back(std::string(60, 'x') + std::to_string(k));
  }
  const Image picture = draw_overlay(make_heatmap(patches, {300, 100}, kMostLikely),
                                     Image(300, 100, 3, 200).view(), {});
  EXPECT_GT(picture.height(), 64 * 21);
  EXPECT_LT(picture.width(), 900) << "long names are shortened";
}

// One cell of 100 px in a row of three that were looked at.
const uint8_t* centre_of(const Image& picture, int cell) {
  return picture.row(14 + 50) + 3 * (14 + 100 * cell + 50);
}

TEST(DrawOverlay, HealthyTissueStaysAsItIs) {
  HeatMap map;
  map.rows = 1;
  map.columns = 3;
  map.values = {0.0f, 0.1f, 0.3f};
  map.cell_x_px = map.cell_y_px = 100;
  map.slide_size_px = {300, 100};
  const Image thumbnail(300, 100, 3, 200);
  OverlayOptions options;
  options.colormap = "viridis";
  options.opacity = 0.8;
  const Image picture = draw_overlay(map, thumbnail.view(), options);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(centre_of(picture, 0)[c], 200);
    EXPECT_EQ(centre_of(picture, 1)[c], 200);
  }
  // 0.3 is half way from 0.1 to 0.5: 0.4 of the colour (53, 95, 141), viridis at 0.3.
  const int expected[3] = {141, 158, 176};
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(centre_of(picture, 2)[c], expected[c], 2) << c;
}

TEST(DrawOverlay, CellsFadeTowardsWhatWasNotLookedAt) {
  HeatMap map;
  map.rows = 1;
  map.columns = 3;
  map.values = {1.0f, 1.0f, std::nanf("")};
  map.cell_x_px = map.cell_y_px = 100;
  map.slide_size_px = {300, 100};
  const Image thumbnail(300, 100, 3, 100);
  OverlayOptions options;
  options.opacity = 1;
  const Image picture = draw_overlay(map, thumbnail.view(), options);
  const uint8_t* row = picture.row(14 + 50) + 3 * 14;
  EXPECT_EQ(row[3 * 99], 252) << "no seam between two cells that were looked at";
  EXPECT_EQ(row[3 * 170], 252) << "full up to a quarter of a cell before the end";
  EXPECT_NEAR(row[3 * 187], 176, 4) << "half way";
  EXPECT_NEAR(row[3 * 199], 100, 4) << "nothing at the end";
  EXPECT_EQ(row[3 * 201], 100);
}

TEST(DrawOverlay, RefusesUnknownColours) {
  OverlayOptions options;
  options.colormap = "magna";
  try {
    options.validate();
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("did you mean 'magma'?"), std::string::npos);
  }
  options.colormap = "viridis";
  options.opacity = 1.5;
  EXPECT_THROW(options.validate(), Error);
}

TEST(HeatmapTiff, StartsAtTheSlidesOriginWhereTheGridAllows) {
  HeatMap map;
  map.rows = map.columns = 1;
  map.values = {0.5f};
  map.origin_x_px = 100;  // two cells in
  map.origin_y_px = 50;   // one
  map.cell_x_px = map.cell_y_px = 50;
  map.slide_size_px = {210, 100};
  std::string pattern = ::testing::TempDir() + "/lamella_heatmap_XXXXXX";
  const std::string folder = ::mkdtemp(pattern.data());
  write_heatmap_tiff(map, Mpp{0.5, 0.5}, folder + "/h.tiff");
  TIFF* tiff = TIFFOpen((folder + "/h.tiff").c_str(), "r");
  ASSERT_NE(tiff, nullptr);
  uint32_t width = 0, height = 0;
  char* description = nullptr;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description);
  EXPECT_EQ(width, 5u);  // 210 px: four and a part
  EXPECT_EQ(height, 2u);
  EXPECT_NE(
      std::string(description).find("\"origin_px\":[0,0],\"cell_px\":[50,50],\"pixel_px\":[50,50]"),
      std::string::npos)
      << description;
  std::vector<float> tile(static_cast<size_t>(TIFFTileSize(tiff)) / sizeof(float));
  TIFFReadEncodedTile(tiff, 0, tile.data(), TIFFTileSize(tiff));
  uint32_t tile_width = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  EXPECT_EQ(tile[tile_width + 2], 0.5f);
  EXPECT_TRUE(std::isnan(tile[tile_width + 1]));
  EXPECT_TRUE(std::isnan(tile[2]));
  TIFFClose(tiff);
  std::filesystem::remove_all(folder);
}

struct ReadTiff {
  int64_t width = 0, height = 0;
  double x_px = 0, y_px = 0;  // position, by the tags
  std::vector<float> values;
  float at(int64_t x, int64_t y) const { return values[static_cast<size_t>(y * width + x)]; }
};

// One tile, at 0.5 um/px.
ReadTiff write_and_read(const HeatMap& map, double cell_px) {
  std::string pattern = ::testing::TempDir() + "/lamella_heatmap_XXXXXX";
  const std::string folder = ::mkdtemp(pattern.data());
  write_heatmap_tiff(map, Mpp{0.5, 0.5}, folder + "/h.tiff");
  TIFF* tiff = TIFFOpen((folder + "/h.tiff").c_str(), "r");
  EXPECT_NE(tiff, nullptr);
  uint32_t width = 0, height = 0, tile_width = 0;
  float x = 0, y = 0, resolution = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(tiff, TIFFTAG_XPOSITION, &x);
  TIFFGetField(tiff, TIFFTAG_YPOSITION, &y);
  TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &resolution);
  EXPECT_NEAR(resolution, 1e4 / (0.5 * cell_px), 1e-3);
  ReadTiff read{width, height, x * 1e4 / 0.5, y * 1e4 / 0.5, {}};
  std::vector<float> tile(static_cast<size_t>(TIFFTileSize(tiff)) / sizeof(float));
  TIFFReadEncodedTile(tiff, 0, tile.data(), TIFFTileSize(tiff));
  for (uint32_t v = 0; v < height; ++v) {
    read.values.insert(read.values.end(), tile.begin() + v * tile_width,
                       tile.begin() + v * tile_width + width);
  }
  TIFFClose(tiff);
  std::filesystem::remove_all(folder);
  return read;
}

TEST(HeatmapTiff, CellsArePartedWhereTheGridBeginsBetweenThem) {
  // Patches of 100 px every 50 px: the first cell begins at 25.
  HeatMap map = make_heatmap(patches_at({{0, 0}, {50, 0}}, 100), {200, 100});
  const ReadTiff half = write_and_read(map, 25);
  EXPECT_EQ(half.width, 8);
  EXPECT_EQ(half.height, 2);
  EXPECT_EQ(half.x_px, 0);
  EXPECT_TRUE(std::isnan(half.at(0, 1)));
  EXPECT_EQ(half.at(1, 0), 0.1f);
  EXPECT_EQ(half.at(2, 1), 0.1f);
  EXPECT_EQ(half.at(3, 0), 0.2f);
  EXPECT_EQ(half.at(4, 1), 0.2f);
  EXPECT_TRUE(std::isnan(half.at(5, 0)));
  // Patches of 50 px every 100 px: the first cell begins at -25, a quarter of it beyond the slide.
  map = make_heatmap(patches_at({{0, 0}, {100, 0}}, 50), {200, 100});
  const ReadTiff quarter = write_and_read(map, 25);
  EXPECT_EQ(quarter.width, 8);
  EXPECT_EQ(quarter.height, 8);
  EXPECT_EQ(quarter.x_px, 0);
  EXPECT_EQ(quarter.at(0, 0), 0.1f);
  EXPECT_EQ(quarter.at(2, 3), 0.1f);
  EXPECT_EQ(quarter.at(3, 0), 0.2f);
  EXPECT_EQ(quarter.at(6, 3), 0.2f);
  EXPECT_TRUE(std::isnan(quarter.at(7, 0)));
  EXPECT_TRUE(std::isnan(quarter.at(0, 4)));
}

TEST(HeatmapTiff, PositionTagsSayWhatIsLeft) {
  // A grid of 200 px cells from 537, 963: quarters of 50 px begin at 500 + 37 and 950 + 13.
  HeatMap map;
  map.rows = map.columns = 1;
  map.values = {0.5f};
  map.origin_x_px = 537;
  map.origin_y_px = 963;
  map.cell_x_px = map.cell_y_px = 200;
  map.slide_size_px = {1000, 1200};
  const ReadTiff read = write_and_read(map, 50);
  EXPECT_NEAR(read.x_px, 37, 0.01);
  EXPECT_NEAR(read.y_px, 13, 0.01);
  EXPECT_EQ(read.width, 20);   // 963 px: 19.3
  EXPECT_EQ(read.height, 24);  // 1187 px: 23.7
  EXPECT_TRUE(std::isnan(read.at(9, 19)));
  EXPECT_EQ(read.at(10, 19), 0.5f);
  EXPECT_EQ(read.at(13, 22), 0.5f);
  EXPECT_TRUE(std::isnan(read.at(14, 22)));
}

}  // namespace
}  // namespace lamella::heatmap
