// SPDX-License-Identifier: Apache-2.0
// What is written is read back by libtiff itself.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/imagefile/pyramid_internal.h"
#include "lamella/imagefile/tiff_file_internal.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::imagefile {
namespace {

class TiffTest : public ::testing::Test {
 protected:
  void SetUp() override { path_ = folder_ + "/image.tif"; }
  void TearDown() override {
    if (tiff_ != nullptr) TIFFClose(tiff_);
  }
  void open() {
    tiff_ = TIFFOpen(path_.c_str(), "r");
    ASSERT_NE(tiff_, nullptr);
  }
  template <typename T>
  T tag(uint32_t number) {
    T value{};
    EXPECT_EQ(TIFFGetField(tiff_, number, &value), 1) << "tag " << number;
    return value;
  }
  SizePx size() { return {tag<uint32_t>(TIFFTAG_IMAGEWIDTH), tag<uint32_t>(TIFFTAG_IMAGELENGTH)}; }
  // RGB at (x, y) of the level that is open.
  std::array<int, 3> rgb(int x, int y) {
    TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    std::vector<uint8_t> tile(static_cast<size_t>(TIFFTileSize(tiff_)));
    const auto tile_px = tag<uint32_t>(TIFFTAG_TILEWIDTH);
    EXPECT_GT(TIFFReadTile(tiff_, tile.data(), uint32_t(x), uint32_t(y), 0, 0), 0);
    const size_t i = 3 * ((uint32_t(y) % tile_px) * tile_px + uint32_t(x) % tile_px);
    return {tile[i], tile[i + 1], tile[i + 2]};
  }
  std::vector<float> floats() {
    const auto tile_px = tag<uint32_t>(TIFFTAG_TILEWIDTH);
    const SizePx px = size();
    std::vector<float> tile(tile_px * tile_px), all;
    for (uint32_t y = 0; y < px.height; ++y) {
      for (uint32_t x = 0; x < px.width; ++x) {
        EXPECT_GT(TIFFReadTile(tiff_, tile.data(), x, y, 0, 0), 0);
        all.push_back(tile[(y % tile_px) * tile_px + x % tile_px]);
      }
    }
    return all;
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path(), path_;
  TIFF* tiff_ = nullptr;
};

// A ramp that JPEG keeps nearly as it is.
void paint_ramp(const RectPx& rect, const MutableImageView& out) {
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      uint8_t* px = out.row(y) + 3 * x;
      px[0] = static_cast<uint8_t>(50 + (rect.x + x) / 2);
      px[1] = static_cast<uint8_t>(60 + (rect.y + y) / 2);
      px[2] = 128;
    }
  }
}

TEST_F(TiffTest, PyramidHasLevelsTagsAndPixels) {
  TiffOptions options{.tile_px = 64, .jpeg_quality = 95, .mpp = Mpp{0.25, 0.5}};
  options.description = "a test";
  std::vector<RectPx> asked;
  write_pyramid_tiff(path_, {301, 150}, options, [&](const RectPx& rect, const auto& out) {
    asked.push_back(rect);
    ASSERT_EQ(out.width, rect.width);
    ASSERT_EQ(out.height, rect.height);
    paint_ramp(rect, out);
  });
  ASSERT_EQ(asked.size(), 15u);  // 5 x 3 tiles, row-major
  EXPECT_EQ(asked[4], (RectPx{256, 0, 45, 64}));
  EXPECT_EQ(asked[5], (RectPx{0, 64, 64, 64}));
  EXPECT_EQ(asked[14], (RectPx{256, 128, 45, 22}));

  open();
  // 301 -> 151 -> 76 -> 38, 150 -> 75 -> 38 -> 19.
  const std::vector<SizePx> expected = {{301, 150}, {151, 75}, {76, 38}, {38, 19}};
  ASSERT_EQ(TIFFNumberOfDirectories(tiff_), 4);
  for (uint16_t level = 0; level < 4; ++level) {
    ASSERT_EQ(TIFFSetDirectory(tiff_, level), 1);
    EXPECT_EQ(size(), expected[level]);
    EXPECT_EQ(tag<uint32_t>(TIFFTAG_SUBFILETYPE), level == 0 ? 0u : 1u);
    EXPECT_EQ(tag<uint16_t>(TIFFTAG_COMPRESSION), COMPRESSION_JPEG);
    EXPECT_EQ(tag<uint16_t>(TIFFTAG_PHOTOMETRIC), PHOTOMETRIC_YCBCR);
    EXPECT_EQ(tag<uint16_t>(TIFFTAG_RESOLUTIONUNIT), RESUNIT_CENTIMETER);
    // 10000 µm/cm / 0.25 µm/px, coarser by the ratio of the widths.
    EXPECT_NEAR(tag<float>(TIFFTAG_XRESOLUTION), 40000.0 * expected[level].width / 301, 0.05);
    EXPECT_NEAR(tag<float>(TIFFTAG_YRESOLUTION), 20000.0 * expected[level].height / 150, 0.05);
    const int scale = 1 << level;
    for (const auto& [x, y] : {std::pair{0, 0}, {10, 5}, {37, 18}}) {
      const auto px = rgb(x, y);
      const double middle = (scale - 1) / 2.0;
      EXPECT_NEAR(px[0], 50 + (x * scale + middle) / 2, 4) << level;
      EXPECT_NEAR(px[1], 60 + (y * scale + middle) / 2, 4) << level;
      EXPECT_NEAR(px[2], 128, 4) << level;
    }
    uint16_t horizontal = 0, vertical = 0;
    TIFFGetField(tiff_, TIFFTAG_YCBCRSUBSAMPLING, &horizontal, &vertical);
    EXPECT_EQ(horizontal, 2);
    EXPECT_EQ(vertical, 2);
  }
  ASSERT_EQ(TIFFSetDirectory(tiff_, 0), 1);
  EXPECT_STREQ(tag<char*>(TIFFTAG_IMAGEDESCRIPTION), "a test");
  uint32_t bytes = 0;
  void* tables = nullptr;
  ASSERT_EQ(TIFFGetField(tiff_, TIFFTAG_JPEGTABLES, &bytes, &tables), 1);
  EXPECT_GT(bytes, 100u);
}

TEST_F(TiffTest, OnePixelAndNoPyramid) {
  write_pyramid_tiff(path_, {1, 1}, {.tile_px = 16}, paint_ramp);
  open();
  EXPECT_EQ(TIFFNumberOfDirectories(tiff_), 1);
  EXPECT_EQ(size(), (SizePx{1, 1}));
  EXPECT_NEAR(rgb(0, 0)[0], 50, 3);
  float resolution = 0;
  EXPECT_EQ(TIFFGetField(tiff_, TIFFTAG_XRESOLUTION, &resolution), 0);
  TIFFClose(tiff_);
  write_pyramid_tiff(path_, {100, 40}, {.tile_px = 16, .pyramid = false}, paint_ramp);
  open();
  EXPECT_EQ(TIFFNumberOfDirectories(tiff_), 1);
}

TEST_F(TiffTest, TallAndWideImagesReachOneTile) {
  for (const SizePx px : {SizePx{700, 3}, SizePx{3, 700}, SizePx{33, 32}}) {
    write_pyramid_tiff(path_, px, {.tile_px = 32}, paint_ramp);
    open();
    int directories = 1;
    for (SizePx s = px; s.width > 32 || s.height > 32; ++directories) s = halved(s);
    EXPECT_EQ(TIFFNumberOfDirectories(tiff_), directories);
    TIFFSetDirectory(tiff_, uint16_t(directories - 1));
    EXPECT_LE(std::max(size().width, size().height), 32);
    rgb(0, 0);
    TIFFClose(tiff_);
    tiff_ = nullptr;
  }
}

TEST_F(TiffTest, AFillThatThrowsLeavesTheOldFile) {
  io::write_file_atomic(path_, "old");
  EXPECT_THROW(write_pyramid_tiff(path_, {100, 100}, {.tile_px = 32},
                                  [](const RectPx& rect, const auto&) {
                                    if (rect.y > 0) throw std::runtime_error("stop");
                                  }),
               std::runtime_error);
  EXPECT_EQ(io::read_text_file(path_), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(TiffTest, BadArguments) {
  const auto code = [&](SizePx px, const TiffOptions& options, const std::string& path) {
    try {
      write_pyramid_tiff(path, px, options, paint_ramp);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code({0, 5}, {}, path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({int64_t{1} << 40, 5}, {}, path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({5, 5}, {.tile_px = 100}, path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({5, 5}, {.jpeg_quality = 0}, path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({5, 5}, {.mpp = Mpp{0, 1}}, path_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({5, 5}, {}, "/proc/lamella/x.tif"), ErrorCode::kIo);
  EXPECT_THROW(write_float_tiff(path_, {2, 2}, std::vector<float>(3), {}), Error);
}

TEST(TiffFile, AFullDiskIsAnErrorThatNamesTheFile) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  try {
    TiffFile file("/dev/full", "out.tif", false);
    file.begin_level({16, 16}, {16, 16}, 16, {});
    file.write_raw_tile(0, "x", 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_EQ(error.path(), "out.tif");
  }
}

TEST_F(TiffTest, FloatPyramidIsNanAware) {
  const float nan = std::nanf("");
  // 3 x 3: corners of the coarser level by hand.
  const std::vector<float> values = {0.1f, 0.3f, 0.5f,  //
                                     nan,  0.5f, nan,   //
                                     nan,  nan,  nan};
  // 16 px tiles need 17 px for a second level: the values stand at the top-left of 17 x 17 NaN.
  std::vector<float> large(17 * 17, nan);
  for (size_t y = 0; y < 3; ++y) {
    for (size_t x = 0; x < 3; ++x) large[y * 17 + x] = values[y * 3 + x];
  }
  large[16 * 17 + 16] = 0.75f;
  write_float_tiff(path_, {17, 17}, large, {.tile_px = 16, .mpp = Mpp{100, 100}});
  open();
  ASSERT_EQ(TIFFNumberOfDirectories(tiff_), 2);
  EXPECT_EQ(tag<uint16_t>(TIFFTAG_SAMPLEFORMAT), SAMPLEFORMAT_IEEEFP);
  EXPECT_EQ(tag<uint16_t>(TIFFTAG_BITSPERSAMPLE), 32);
  EXPECT_NEAR(tag<float>(TIFFTAG_XRESOLUTION), 100, 1e-3);
  const auto fine = floats();
  for (size_t i = 0; i < large.size(); ++i) {
    if (std::isnan(large[i])) {
      ASSERT_TRUE(std::isnan(fine[i])) << i;
    } else {
      ASSERT_EQ(fine[i], large[i]) << i;
    }
  }
  ASSERT_EQ(TIFFSetDirectory(tiff_, 1), 1);
  EXPECT_EQ(size(), (SizePx{9, 9}));
  const auto coarse = floats();
  EXPECT_FLOAT_EQ(coarse[0], 0.3f);    // (0.1 + 0.3 + 0.5) / 3
  EXPECT_FLOAT_EQ(coarse[1], 0.5f);    // one finite child
  EXPECT_TRUE(std::isnan(coarse[9]));  // none
  EXPECT_FLOAT_EQ(coarse[80], 0.75f);  // the odd corner
}

TEST(HalvePixels, MeansByHand) {
  // 3 x 3 grey: 2 x 2 mean, right edge of two, bottom edge of two, corner of one.
  Image image(3, 3, 1);
  const uint8_t values[9] = {1, 2, 10, 4, 6, 21, 100, 103, 77};
  for (int i = 0; i < 9; ++i) image.row(i / 3)[i % 3] = values[i];
  Image half(2, 2, 1);
  halve_pixels(ImageView(image.view()), half.view());
  // (1+2+4+6)/4 = 3.25; (10+21)/2 = 15.5 up; (100+103)/2 = 101.5 up; 77.
  EXPECT_EQ(half.bytes(), (std::vector<uint8_t>{3, 16, 102, 77}));
}

TEST(Pyramid, StreamedLevelsEqualThePlainOnes) {
  const SizePx size = {157, 83};
  Image level(157, 83, 3);
  for (int y = 0; y < 83; ++y) {
    for (int i = 0; i < 157 * 3; ++i) level.row(y)[i] = uint8_t((i * 31 + y * 57 + i * y) & 255);
  }
  const auto sizes = level_sizes(size, 16, true);
  std::vector<Image> streamed;
  for (const SizePx s : sizes) streamed.emplace_back(int(s.width), int(s.height), 3);
  Pyramid pyramid(size, 16, true, [&](size_t l, int64_t index, const ImageView& tile) {
    const int64_t columns = tiles_across(sizes[l].width, 16);
    const int64_t x = index % columns * 16, y = index / columns * 16;
    const int64_t w = std::min<int64_t>(16, sizes[l].width - x);
    const int64_t h = std::min<int64_t>(16, sizes[l].height - y);
    copy_pixels(crop(tile, {0, 0, w, h}), crop(streamed[l].view(), {x, y, w, h}));
  });
  for (int64_t y = 0; y < size.height; y += 16) {
    for (int64_t x = 0; x < size.width; x += 16) {
      const RectPx rect = intersect({x, y, 16, 16}, {0, 0, size.width, size.height});
      pyramid.add(rect, crop(ImageView(level.view()), rect));
    }
  }
  for (size_t l = 1; l < sizes.size(); ++l) {
    Image coarser(int(sizes[l].width), int(sizes[l].height), 3);
    halve_pixels(ImageView(level.view()), coarser.view());
    EXPECT_EQ(streamed[l], coarser) << "level " << l;
    level = coarser;
  }
}

}  // namespace
}  // namespace lamella::imagefile
