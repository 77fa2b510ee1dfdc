// SPDX-License-Identifier: Apache-2.0
#include "lamella/tissue/tissue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/testing/memory_slide.h"
#include "lamella/tissue/segment_internal.h"
#include "lamella/tissue/small_picture_internal.h"

namespace lamella::tissue {
namespace {

using test::MemorySlide;

using Colour = std::array<uint8_t, 3>;
constexpr Colour kGlass = {243, 242, 244};
constexpr Colour kStroma = {225, 185, 205};  // saturation 0.18
constexpr Colour kNuclei = {120, 60, 140};   // saturation 0.57

Context threads(int count) {
  Context context;
  context.threads = count;
  return context;
}

void paint(Image& image, const RectPx& rect, Colour colour, int noise = 0, uint64_t seed = 1) {
  Random random(seed);
  for (int64_t y = rect.y; y < rect.bottom(); ++y) {
    for (int64_t x = rect.x; x < rect.right(); ++x) {
      uint8_t* pixel = image.row(static_cast<int>(y)) + 3 * x;
      for (size_t c = 0; c < 3; ++c) {
        const int shift = noise ? int(random.below(uint64_t(2 * noise + 1))) - noise : 0;
        pixel[c] = static_cast<uint8_t>(std::clamp(colour[c] + shift, 0, 255));
      }
    }
  }
}

Image canvas(int width, int height, Colour colour = kGlass, int noise = 2) {
  Image image(width, height, 3);
  paint(image, {0, 0, width, height}, colour, noise);
  return image;
}

int64_t tissue_px(const Image& mask, const RectPx& rect) {
  int64_t count = 0;
  for (int64_t y = rect.y; y < rect.bottom(); ++y) {
    for (int64_t x = rect.x; x < rect.right(); ++x) {
      count += mask.row(static_cast<int>(y))[x] == 255;
    }
  }
  return count;
}

// Options as for 8 um/px.
SegmentOptions small_pieces(double min_area_px, double max_hole_px = 0) {
  SegmentOptions options;
  options.min_area_px = min_area_px;
  options.max_hole_px = max_hole_px;
  return options;
}

TEST(Segment, FindsPaleAndDarkTissue) {
  Image image = canvas(200, 200);
  paint(image, {40, 40, 60, 80}, kStroma, 6);
  paint(image, {100, 40, 60, 80}, kNuclei, 6);
  const Segmentation found = segment_tissue(image, small_pieces(100));
  EXPECT_GE(tissue_px(found.mask, {41, 41, 118, 78}), 118 * 78 * 0.999);
  EXPECT_EQ(tissue_px(found.mask, {0, 0, 200, 38}), 0);
  EXPECT_EQ(tissue_px(found.mask, {0, 0, 38, 200}), 0);
  EXPECT_LT(found.threshold, 0.04);
  EXPECT_GT(found.threshold, 0.015);
}

// A stain five times weaker: densities of kStroma / 5 are (0.015, 0.054, 0.035).
TEST(Segment, FindsAFifthOfTheStain) {
  Image image = canvas(200, 200, kGlass, 1);
  paint(image, {40, 40, 60, 80}, {239, 229, 236}, 1);
  const Segmentation found = segment_tissue(image, small_pieces(100));
  EXPECT_NEAR(double(tissue_px(found.mask, {0, 0, 200, 200})), 60 * 80, 300);
}

TEST(Segment, YellowGlassIsGlassAndGreyTissueIsTissue) {
  Image yellow = canvas(200, 200, {238, 226, 184}, 1);
  EXPECT_EQ(tissue_px(segment_tissue(yellow, small_pieces(100)).mask, {0, 0, 200, 200}), 0);
  paint(yellow, {40, 40, 60, 80}, {220, 172, 154}, 6);
  EXPECT_NEAR(double(tissue_px(segment_tissue(yellow, small_pieces(100)).mask, {0, 0, 200, 200})),
              60 * 80, 300);
  Image grey = canvas(200, 200, {242, 242, 242}, 0);
  paint(grey, {40, 40, 60, 80}, {150, 150, 150}, 0);  // smooth: a shadow
  Random random(8);
  for (int y = 100; y < 180; ++y) {
    for (int x = 120; x < 180; ++x) {
      std::fill_n(grey.row(y) + 3 * x, 3, uint8_t(130 + random.below(80)));
    }
  }
  const Segmentation found = segment_tissue(grey, small_pieces(100));
  EXPECT_FALSE(found.look.coloured);
  EXPECT_EQ(tissue_px(found.mask, {50, 50, 40, 50}), 0);
  EXPECT_NEAR(double(tissue_px(found.mask, {110, 90, 90, 110})), 60 * 80, 400);
}

TEST(Segment, InkIsLeftOutWithItsReason) {
  struct Pen {
    const char* name;
    Colour colour;
  };
  for (const Pen& pen : {Pen{"red", {196, 30, 48}}, Pen{"green", {30, 132, 74}},
                         Pen{"blue", {38, 62, 164}}, Pen{"black", {40, 38, 42}}}) {
    Image image = canvas(200, 200);
    paint(image, {40, 40, 60, 80}, kStroma, 6);
    paint(image, {120, 20, 20, 160}, pen.colour, 3);
    const Segmentation found = segment_tissue(image, small_pieces(100));
    EXPECT_EQ(tissue_px(found.mask, {110, 0, 90, 200}), 0) << pen.name;
    EXPECT_NEAR(double(tissue_px(found.mask, {0, 0, 110, 200})), 60 * 80, 300) << pen.name;
    EXPECT_EQ(found.left_out.row(100)[130], uint8_t(LeftOut::kInk)) << pen.name;
  }
}

TEST(Segment, ShadowsAndEdgesOfTheCoverslipAreLeftOut) {
  Image image = canvas(300, 200);
  paint(image, {40, 40, 60, 80}, kStroma, 6);
  paint(image, {0, 150, 300, 4}, {120, 120, 121}, 2);   // an edge
  paint(image, {150, 20, 60, 60}, {200, 199, 201}, 1);  // a shadow
  paint(image, {0, 180, 300, 4}, {150, 140, 190}, 2);   // an edge with a colour fringe
  const Segmentation found = segment_tissue(image, small_pieces(100));
  EXPECT_NEAR(double(tissue_px(found.mask, {0, 0, 300, 200})), 60 * 80, 300);
  EXPECT_EQ(found.left_out.row(152)[150], uint8_t(LeftOut::kShadow));
  EXPECT_EQ(found.left_out.row(50)[180], uint8_t(LeftOut::kShadow));
  EXPECT_EQ(found.left_out.row(182)[150], uint8_t(LeftOut::kSmall));
}

TEST(Segment, UnevenLightIsNotTissue) {
  Image image(400, 200, 3);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 400; ++x) {
      for (int c = 0; c < 3; ++c) image.row(y)[3 * x + c] = uint8_t(244 - x / 20);
    }
  }
  EXPECT_EQ(tissue_px(segment_tissue(image, small_pieces(100)).mask, {0, 0, 400, 200}), 0);
  paint(image, {200, 50, 60, 80}, {220, 180, 200}, 6);
  EXPECT_NEAR(double(tissue_px(segment_tissue(image, small_pieces(100)).mask, {0, 0, 400, 200})),
              60 * 80, 300);
}

TEST(Segment, FatIsTissue) {
  // Walls of one pixel, 10 px (80 um) apart.
  Image image = canvas(200, 200, kGlass, 1);
  for (int y = 40; y < 160; ++y) {
    for (int x = 40; x < 160; ++x) {
      if (x % 10 == 0 || y % 10 == 0) paint(image, {x, y, 1, 1}, {235, 205, 225});
    }
  }
  const Image mask = segment_tissue(image, small_pieces(100)).mask;
  EXPECT_EQ(tissue_px(mask, {45, 45, 105, 105}), 105 * 105);
  EXPECT_EQ(tissue_px(mask, {0, 0, 36, 200}), 0);
}

TEST(Segment, AllTissueStaysAllTissue) {
  Image image = canvas(100, 100, kStroma, 8);
  paint(image, {0, 0, 50, 100}, kNuclei, 8);
  EXPECT_EQ(tissue_px(segment_tissue(image, {}).mask, {0, 0, 100, 100}), 10'000);
  Image one_colour(50, 50, 3, 0);
  paint(one_colour, {0, 0, 50, 50}, kStroma);
  EXPECT_EQ(tissue_px(segment_tissue(one_colour, {}).mask, {0, 0, 50, 50}), 2500);
}

TEST(Segment, WhiteAndGreyAreNoTissue) {
  EXPECT_EQ(tissue_px(segment_tissue(Image(80, 60, 3, 255), {}).mask, {0, 0, 80, 60}), 0);
  EXPECT_EQ(tissue_px(segment_tissue(canvas(80, 60), {}).mask, {0, 0, 80, 60}), 0)
      << "noise of glass must not be split in two";
  EXPECT_EQ(tissue_px(segment_tissue(Image(80, 60, 3, 128), {}).mask, {0, 0, 80, 60}), 0);
}

TEST(Segment, BlackIsNoTissue) {
  Image image = canvas(100, 100);
  paint(image, {0, 0, 100, 30}, {9, 3, 5}, 2);
  paint(image, {20, 50, 40, 40}, kNuclei, 5);
  const Segmentation found = segment_tissue(image, small_pieces(50));
  EXPECT_EQ(tissue_px(found.mask, {0, 0, 100, 32}), 0);
  EXPECT_GE(tissue_px(found.mask, {20, 50, 40, 40}), 1590);
  EXPECT_EQ(found.left_out.row(10)[50], uint8_t(LeftOut::kNeverImaged));
}

TEST(Segment, NeverImagedWhiteBesideGlassIsNoTissue) {
  Image image = canvas(100, 100);
  paint(image, {0, 0, 50, 100}, {255, 255, 255});
  paint(image, {40, 40, 20, 20}, kStroma, 3);
  const Segmentation found = segment_tissue(image, small_pieces(50));
  EXPECT_NEAR(double(tissue_px(found.mask, {0, 0, 100, 100})), 400, 90);
  EXPECT_EQ(tissue_px(found.mask, {0, 0, 37, 100}), 0);
  EXPECT_EQ(found.left_out.row(10)[10], uint8_t(LeftOut::kNeverImaged));
  EXPECT_EQ(found.left_out.row(10)[80], uint8_t(LeftOut::kNothing));
}

TEST(Segment, DropsSmallPiecesAndFillsSmallHoles) {
  Image image = canvas(200, 200);
  paint(image, {20, 20, 100, 100}, kNuclei);
  paint(image, {40, 40, 14, 14}, kGlass);   // a hole of about 196 px: filled
  paint(image, {70, 70, 30, 30}, kGlass);   // of about 900 px: stays
  paint(image, {150, 150, 8, 8}, kNuclei);  // a piece of about 64 px: dropped
  const Segmentation found = segment_tissue(image, small_pieces(200, 250));
  EXPECT_EQ(tissue_px(found.mask, {40, 40, 14, 14}), 196);
  EXPECT_EQ(tissue_px(found.mask, {76, 76, 18, 18}), 0);
  EXPECT_EQ(tissue_px(found.mask, {140, 140, 40, 40}), 0);
  EXPECT_GE(tissue_px(found.mask, {20, 20, 20, 100}), 1990);
  EXPECT_EQ(found.left_out.row(154)[154], uint8_t(LeftOut::kSmall));
}

TEST(Segment, TinyPicturesWork) {
  Image image(1, 1, 3);
  paint(image, {0, 0, 1, 1}, kNuclei);
  EXPECT_EQ(tissue_px(segment_tissue(image, {}).mask, {0, 0, 1, 1}), 1);
}

TissueMask random_mask(int width, int height, double downsample_x, double downsample_y) {
  TissueMask mask;
  mask.mask = Image(width, height, 1);
  Random random(11);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) mask.mask.row(y)[x] = random.below(2) ? 255 : 0;
  }
  mask.downsample_x = downsample_x;
  mask.downsample_y = downsample_y;
  mask.index();
  return mask;
}

// The specification: overlap of the rectangle with every mask pixel.
double plain_fraction(const TissueMask& mask, const RectF& rect) {
  double area = 0;
  for (int y = 0; y < mask.mask.height(); ++y) {
    for (int x = 0; x < mask.mask.width(); ++x) {
      if (!mask.mask.row(y)[x]) continue;
      const double w = std::min(rect.x + rect.width, (x + 1) * mask.downsample_x) -
                       std::max(rect.x, x * mask.downsample_x);
      const double h = std::min(rect.y + rect.height, (y + 1) * mask.downsample_y) -
                       std::max(rect.y, y * mask.downsample_y);
      if (w > 0 && h > 0) area += w * h;
    }
  }
  return area / (rect.width * rect.height);
}

TEST(Mask, FractionIsExactAreaAlsoAtFractionalBorders) {
  const TissueMask mask = random_mask(37, 23, 7.3, 5.9);
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    const RectF rect{random.uniform() * 330 - 30, random.uniform() * 180 - 30,
                     0.1 + random.uniform() * 90, 0.1 + random.uniform() * 90};
    EXPECT_NEAR(mask.fraction(rect), plain_fraction(mask, rect), 1e-9) << i;
  }
  EXPECT_NEAR(mask.fraction({0, 0, 37 * 7.3, 23 * 5.9}), mask.tissue_fraction, 1e-12);
}

TEST(Mask, FractionByHand) {
  TissueMask mask;
  mask.mask = Image(2, 1, 1);
  mask.mask.row(0)[1] = 255;  // right half of a 20 x 10 px slide
  mask.downsample_x = mask.downsample_y = 10;
  EXPECT_THROW(mask.fraction({0, 0, 1, 1}), Error) << "not indexed";
  mask.index();
  EXPECT_EQ(mask.tissue_fraction, 0.5);
  EXPECT_EQ(mask.fraction({0, 0, 10, 10}), 0);
  EXPECT_EQ(mask.fraction({10, 0, 10, 10}), 1);
  EXPECT_DOUBLE_EQ(mask.fraction({7.5, 2, 5, 5}), 0.5);
  EXPECT_DOUBLE_EQ(mask.fraction({15, 5, 10, 10}), 0.25) << "outside the slide is no tissue";
  EXPECT_EQ(mask.fraction({100, 100, 5, 5}), 0);
  EXPECT_EQ(mask.fraction({-50, 0, 5, 5}), 0);
  EXPECT_EQ(mask.fraction({10, 0, 0, 5}), 0);
}

TEST(Mask, AllTissue) {
  slide::SlideInfo info;
  info.levels.resize(1);
  info.levels[0].size_px = {300, 200};
  const TissueMask mask = all_tissue(info);
  EXPECT_EQ(mask.tissue_fraction, 1);
  EXPECT_EQ(mask.fraction({17, 23, 100, 100}), 1);
  EXPECT_DOUBLE_EQ(mask.fraction({250, 0, 100, 100}), 0.5);
}

TEST(Mask, PngRoundTripAndTheMaskOfAnotherSlide) {
  slide::SlideInfo info;
  info.path = "s.svs";
  info.levels.resize(1);
  info.levels[0].size_px = {370, 230};
  const TissueMask mask = random_mask(37, 23, 10, 10);
  const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "_mask.png";
  write_tissue_mask(mask, path);
  const TissueMask back = read_tissue_mask(path, info);
  EXPECT_EQ(back.mask, mask.mask);
  EXPECT_EQ(back.downsample_x, 10);
  EXPECT_EQ(back.downsample_y, 10);
  EXPECT_EQ(back.tissue_fraction, mask.tissue_fraction);
  EXPECT_EQ(back.fraction({33, 44, 55, 66}), mask.fraction({33, 44, 55, 66}));
  info.levels[0].size_px = {230, 370};
  try {
    read_tissue_mask(path, info);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_EQ(error.path(), path);
  }
  std::filesystem::remove(path);
}

TEST(SmallPicture, IsTheExactMeanOfEachPixelsArea) {
  Random random(3);
  Image level(301, 157, 3);
  for (int y = 0; y < level.height(); ++y) {
    for (int x = 0; x < 3 * level.width(); ++x) level.row(y)[x] = uint8_t(random.below(256));
  }
  const auto slide = std::make_shared<MemorySlide>(std::vector<Image>{level}, Mpp{1, 1});
  const Image small = read_small_picture(*slide, 0, {43, 20}, {});
  const double sx = 301.0 / 43, sy = 157.0 / 20;
  for (int j = 0; j < 20; ++j) {
    for (int i = 0; i < 43; ++i) {
      double sum = 0;
      for (int y = 0; y < 157; ++y) {
        for (int x = 0; x < 301; ++x) {
          const double w = std::min((i + 1) * sx, x + 1.0) - std::max(i * sx, double(x));
          const double h = std::min((j + 1) * sy, y + 1.0) - std::max(j * sy, double(y));
          if (w > 0 && h > 0) sum += w * h * level.row(y)[3 * x + 1];
        }
      }
      EXPECT_NEAR(small.row(j)[3 * i + 1], sum / (sx * sy), 0.5 + 1e-6);
    }
  }
  EXPECT_EQ(read_small_picture(*slide, 0, {301, 157}, {}), level) << "nothing to average";
}

TEST(SmallPicture, BlocksLeaveNoSeams) {
  // Wider than one block of 1024 px, with a scale that does not divide it.
  Image level(2600, 40, 3);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 2600; ++x) {
      for (int c = 0; c < 3; ++c) level.row(y)[3 * x + c] = uint8_t(x / 11);
    }
  }
  const auto slide = std::make_shared<MemorySlide>(std::vector<Image>{level}, std::nullopt);
  const Image small = read_small_picture(*slide, 0, {372, 6}, threads(2));
  for (int i = 1; i < 372; ++i) {
    const int step = small.row(3)[3 * i] - small.row(3)[3 * (i - 1)];
    EXPECT_GE(step, 0) << i;
    EXPECT_LE(step, 1) << i;
  }
}

Image section(int scale) {
  Image image = canvas(600 * scale, 400 * scale);
  paint(image, {100 * scale, 100 * scale, 200 * scale, 200 * scale}, kStroma, 5);
  paint(image, {300 * scale, 100 * scale, 100 * scale, 200 * scale}, kNuclei, 5);
  return image;
}

TEST(MakeMask, IsTheSameFieldWhateverTheLevels) {
  const double expected = 300.0 * 200 / (600 * 400);
  const MemorySlide one({section(4)}, Mpp{2, 2});
  const MemorySlide two({section(4), section(2)}, Mpp{2, 2});
  const MemorySlide three({section(4), section(2), section(1)}, Mpp{2, 2});
  for (const MemorySlide* slide : {&one, &two, &three}) {
    const TissueMask mask = make_tissue_mask(*slide, {}, {});
    EXPECT_EQ(mask.mask.width(), 600);
    EXPECT_EQ(mask.mask.height(), 400);
    EXPECT_DOUBLE_EQ(mask.downsample_x, 4);
    EXPECT_NEAR(mask.tissue_fraction, expected, 0.01);
    EXPECT_NEAR(mask.fraction({400, 400, 800, 800}), 1, 0.02);
    EXPECT_EQ(mask.fraction({0, 0, 2400, 380}), 0);
  }
}

TEST(MakeMask, OfACoarseSlideIsNotFinerThanTheSlide) {
  const MemorySlide slide({section(1)}, Mpp{16, 16});
  const TissueMask mask = make_tissue_mask(slide, {}, {});
  EXPECT_EQ(mask.mask.width(), 600);
  EXPECT_DOUBLE_EQ(mask.downsample_x, 1);
  EXPECT_NEAR(mask.tissue_fraction, 0.25, 0.01);
}

TEST(MakeMask, WithoutMpp) {
  const MemorySlide slide({section(4)}, std::nullopt);
  const TissueMask mask = make_tissue_mask(slide, {.mask_max_px = 300}, {});
  EXPECT_EQ(mask.mask.width(), 300);
  EXPECT_EQ(mask.mask.height(), 200);
  EXPECT_NEAR(mask.tissue_fraction, 0.25, 0.01);
  const MemorySlide tiny({section(1)}, std::nullopt);
  EXPECT_EQ(make_tissue_mask(tiny, {}, {}).mask.width(), 600) << "never enlarged";
}

TEST(MakeMask, EmptyAndFullSlides) {
  const MemorySlide white({Image(500, 400, 3, 255)}, Mpp{8, 8});
  EXPECT_EQ(make_tissue_mask(white, {}, {}).tissue_fraction, 0);
  const MemorySlide full({canvas(500, 400, kStroma, 10)}, Mpp{8, 8});
  EXPECT_EQ(make_tissue_mask(full, {}, {}).tissue_fraction, 1);
}

TEST(MakeMask, SameForAnyThreadCount) {
  const MemorySlide slide({section(4)}, Mpp{2, 2});
  EXPECT_EQ(make_tissue_mask(slide, {}, {}).mask, make_tissue_mask(slide, {}, threads(4)).mask);
}

TEST(MakeMask, ACorruptTileIsAnError) {
  const MemorySlide slide({section(4)}, Mpp{2, 2}, {{3, 2}});
  try {
    make_tissue_mask(slide, {}, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("damaged"), std::string::npos) << error.what();
  }
}

TEST(MakeMask, OptionsRefuseNonsense) {
  EXPECT_THROW(TissueOptions{.mask_mpp = 0}.validate(), Error);
  EXPECT_THROW(TissueOptions{.mask_max_px = 0}.validate(), Error);
  EXPECT_THROW(TissueOptions{.min_area_um2 = -1}.validate(), Error);
  EXPECT_THROW(TissueOptions{.max_hole_um2 = NAN}.validate(), Error);
  EXPECT_THROW(TissueOptions{.min_density = 0}.validate(), Error);
  EXPECT_THROW(TissueOptions{.max_gap_um = -1}.validate(), Error);
  EXPECT_THROW(TissueOptions{.max_air_um = 1000}.validate(), Error);
}

TEST(Preview, DrawsAnOutline) {
  const MemorySlide slide({section(2)}, Mpp{4, 4});
  const TissueMask mask = make_tissue_mask(slide, {}, {});
  const Image preview = draw_tissue_preview(slide, mask, 300);
  EXPECT_EQ(preview.width(), 300);
  EXPECT_EQ(preview.height(), 224) << "with the legend";
  const auto green = [&](int x, int y) {
    const uint8_t* p = preview.row(y) + 3 * x;
    return p[1] > p[0] + 80 && p[1] > p[2] + 40;
  };
  EXPECT_TRUE(green(51, 100)) << "left edge of the tissue";
  EXPECT_FALSE(green(100, 100)) << "inside";
  EXPECT_FALSE(green(20, 20)) << "outside";
}

CohortSlide slide_like(const std::string& id, double share, double glass_blue) {
  CohortSlide slide{id, share, {}};
  slide.look.glass_rgb = {240, 240, glass_blue};
  slide.look.stain_density = {0.2, 0.4, 0.2};
  return slide;
}

TEST(Cohort, ByHand) {
  // Shares 0.30 0.32 0.34 0.36 0.38 0.90: median 0.35, distances 0.05 0.03 0.01 0.01 0.03 0.55,
  // their median 0.03; 5 * 1.4826 * 0.03 = 0.22.
  std::vector<CohortSlide> cohort = {slide_like("a", 0.30, 240), slide_like("b", 0.32, 240),
                                     slide_like("c", 0.34, 240), slide_like("d", 0.36, 240),
                                     slide_like("e", 0.38, 240), slide_like("f", 0.90, 240)};
  ASSERT_EQ(unlike_the_rest(cohort).size(), 1u);
  EXPECT_NE(unlike_the_rest(cohort)[0].find("'f'"), std::string::npos);
  EXPECT_NE(unlike_the_rest(cohort)[0].find("0.90"), std::string::npos);
  cohort[5] = slide_like("f", 0.56, 240);
  EXPECT_TRUE(unlike_the_rest(cohort).empty()) << "0.21 from the median";
  cohort[5] = slide_like("f", 0.35, 190);
  ASSERT_EQ(unlike_the_rest(cohort).size(), 1u);
  EXPECT_NE(unlike_the_rest(cohort)[0].find("blue"), std::string::npos);
  cohort.resize(4);
  cohort[3] = slide_like("d", 0.99, 100);
  EXPECT_TRUE(unlike_the_rest(cohort).empty()) << "too few to compare with";
}

TEST(MakeMask, OfRealSlides) {
  const char* folder = std::getenv("LAMELLA_TEST_DATA");
  const std::string data = folder ? folder : LAMELLA_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data + "/idc")) GTEST_SKIP() << "no " << data;
  // Bounds from looking at the sections: tissue as a part of the whole picture.
  struct Case {
    const char* path;
    double least, most;
  };
  for (const Case& c : {Case{"/idc/idc_14082.tif", 0.13, 0.17},
                        {"/idc/idc_14306.tif", 0.12, 0.16},
                        {"/slides/CMU-1-Small-Region.svs", 0.28, 0.42},
                        {"/slides/tcga-cr-7395-01a-01-ts1.svs", 0.5, 0.68}}) {
    const auto slide = slide::open_slide(data + c.path);
    const TissueMask mask = make_tissue_mask(*slide, {}, {});
    EXPECT_GT(mask.tissue_fraction, c.least) << c.path;
    EXPECT_LT(mask.tissue_fraction, c.most) << c.path;
  }
}

}  // namespace
}  // namespace lamella::tissue
