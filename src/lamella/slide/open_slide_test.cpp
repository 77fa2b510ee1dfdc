// SPDX-License-Identifier: Apache-2.0
// What open_slide makes of a file's metadata: levels, mpp, properties, associated images.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/slide/formats_internal.h"
#include "lamella/slide/openslide_library_internal.h"
#include "lamella/slide/slide.h"
#include "lamella/testing/test_tiff.h"

namespace lamella::slide {
namespace {

using test::TiffSpec;

class OpenSlideFile : public testing::Test {
 protected:
  ~OpenSlideFile() override { std::filesystem::remove(path); }
  std::shared_ptr<const Slide> open(const TiffSpec& spec, std::optional<double> mpp = {}) {
    test::write_tiff(spec, path);
    OpenOptions options;
    options.mpp = mpp;
    options.backend = OpenOptions::Backend::kLamella;
    return open_slide(path, options);
  }
  std::string path = test::temp_path("open.tif");
};

TEST_F(OpenSlideFile, MppFromResolutionTagsIfPlausible) {
  TiffSpec spec;
  spec.x_resolution = 20000;  // per cm: 0.5 µm
  spec.y_resolution = 40000;
  const auto info = open(spec)->info();
  EXPECT_EQ(info.mpp, (Mpp{0.5, 0.25}));
  EXPECT_EQ(info.mpp_source, MppSource::kResolutionTags);

  spec.resolution_unit = RESUNIT_INCH;
  spec.x_resolution = spec.y_resolution = 25400;
  EXPECT_EQ(open(spec)->info().mpp, (Mpp{1, 1}));

  spec.x_resolution = spec.y_resolution = 72;  // a screen's: 353 µm
  EXPECT_EQ(open(spec)->info().mpp, std::nullopt);
  EXPECT_EQ(open(spec)->info().mpp_source, MppSource::kNone);

  spec.resolution_unit = RESUNIT_NONE;
  spec.x_resolution = spec.y_resolution = 25400;
  EXPECT_EQ(open(spec)->info().mpp, std::nullopt);
}

TEST_F(OpenSlideFile, TheUsersMppWins) {
  TiffSpec spec;
  spec.x_resolution = spec.y_resolution = 20000;
  const auto info = open(spec, 0.3)->info();
  EXPECT_EQ(info.mpp, (Mpp{0.3, 0.3}));
  EXPECT_EQ(info.mpp_source, MppSource::kUser);
  EXPECT_THROW(open(spec, 0.0), Error);
  EXPECT_THROW(open(spec, -1.0), Error);
}

TEST_F(OpenSlideFile, AperioMppWinsOverResolutionTagsIfPlausible) {
  TiffSpec spec;
  spec.x_resolution = spec.y_resolution = 20000;
  spec.description = "Aperio Image Library v11\r\n300x250 (64x64)|AppMag = 40|MPP = 0.2520|Odd";
  const auto info = open(spec)->info();
  EXPECT_EQ(info.format, "aperio");
  EXPECT_EQ(info.mpp, (Mpp{0.252, 0.252}));
  EXPECT_EQ(info.mpp_source, MppSource::kVendor);
  EXPECT_EQ(info.properties.at("aperio.AppMag"), "40");
  EXPECT_EQ(info.properties.at("tiff.ImageDescription"), spec.description);
  EXPECT_EQ(info.properties.size(), 3u);

  spec.description = "Aperio Image Library v11\r\n300x250|MPP = 0.0000";
  EXPECT_EQ(open(spec)->info().mpp_source, MppSource::kResolutionTags);
}

TEST_F(OpenSlideFile, LevelsShrinkAndKeepTheirProportions) {
  TiffSpec spec;
  // The third is as large as the second, the fourth of other proportions, the last rounded up.
  spec.levels = {{300, 250}, {150, 125}, {150, 125}, {75, 120}, {75, 62}, {38, 32}};
  const auto info = open(spec)->info();
  ASSERT_EQ(info.levels.size(), 4u);
  EXPECT_EQ(info.levels[1].size_px, (SizePx{150, 125}));
  EXPECT_EQ(info.levels[2].size_px, (SizePx{75, 62}));
  EXPECT_EQ(info.levels[3].size_px, (SizePx{38, 32}));
  EXPECT_DOUBLE_EQ(info.levels[2].downsample_x, 4);
  EXPECT_DOUBLE_EQ(info.levels[2].downsample_y, 250.0 / 62);
  EXPECT_EQ(level_for_downsample(info, 4), 2);
  EXPECT_EQ(level_for_downsample(info, 100), 3);
}

TEST_F(OpenSlideFile, StripsAreTilesAsWideAsTheLevel) {
  TiffSpec spec;
  spec.tile_px = 0;
  spec.rows_per_strip = 16;
  const auto info = open(spec)->info();
  EXPECT_EQ(info.levels[0].tile_px, (SizePx{300, 16}));
  EXPECT_EQ(info.levels[0].compression, "none");
}

TEST_F(OpenSlideFile, RefusesSamplesItCannotShow) {
  TiffSpec spec;
  spec.photometric = PHOTOMETRIC_YCBCR;  // not JPEG: would need its own upsampling
  spec.subsampling = {1, 1};
  spec.compression = COMPRESSION_ADOBE_DEFLATE;
  try {
    open(spec);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find("photometric tag 6"), std::string::npos) << error.message();
  }
}

TEST_F(OpenSlideFile, RegionsAreWhiteOutside) {
  const auto slide = open(TiffSpec{});
  EXPECT_TRUE(read_region(*slide, 0, {300, 0, 7, 5}) == Image(7, 5, 3, 255));
  EXPECT_TRUE(read_region(*slide, 0, {-9, -9, 9, 9}) == Image(9, 9, 3, 255));
  EXPECT_THROW(read_region(*slide, 1, {0, 0, 5, 5}), Error);
  EXPECT_THROW(read_region(*slide, 0, {0, 0, 0, 5}), Error);
  EXPECT_THROW(read_region(*slide, 0, {0, 0, INT32_MAX, INT32_MAX}), Error);  // Image's limit
}

// OpenSlide's handle keeps an error for good; a bad tile must not fail the tiles read after it.
TEST_F(OpenSlideFile, OpenSlideRecoversFromABadTile) {
  if (!openslide_library().library) GTEST_SKIP() << openslide_version();
  TiffSpec spec;
  spec.levels = {{1500, 600}};
  spec.compression = COMPRESSION_ADOBE_DEFLATE;
  test::write_tiff(spec, path);
  std::string bytes = test::read_bytes(path);
  const auto [offset, length] = test::stored_tile(path, 0, 10);  // x 640 to 703: grid column 1
  std::fill_n(bytes.begin() + offset, length, '\0');
  test::write_bytes(path, bytes);
  OpenOptions options;
  options.backend = OpenOptions::Backend::kOpenSlide;
  const auto slide = open_slide(path, options);
  const Image written = test::expected_rgb(spec, 0);
  for (int round = 0; round < 2; ++round) {
    try {
      read_region(*slide, 0, {600, 0, 100, 100});
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      EXPECT_NE(error.message().find("tile 1,0"), std::string::npos) << error.message();
    }
    for (const RectPx& rect : {RectPx{10, 20, 300, 300}, RectPx{1100, 500, 300, 100}}) {
      Image expected(static_cast<int>(rect.width), static_cast<int>(rect.height));
      copy_pixels(crop(written.view(), rect), expected.view());
      EXPECT_TRUE(read_region(*slide, 0, rect) == expected);
    }
  }
}

// OpenSlide would show 16 bits, with garbled edge tiles.
TEST_F(OpenSlideFile, WhatIsRefusedOfAPlainTiffIsNotLeftToOpenSlide) {
  TiffSpec spec;
  spec.compression = COMPRESSION_ADOBE_DEFLATE;
  test::write_tiff(spec, path);
  std::string bytes = test::read_bytes(path);
  // BitsPerSample (258), three SHORTs elsewhere: 16 in place of the first 8.
  const std::string entry("\x02\x01\x03\x00\x03\x00\x00\x00", 8);
  const size_t at = bytes.find(entry);
  ASSERT_NE(at, std::string::npos);
  const auto offset = static_cast<size_t>(static_cast<uint8_t>(bytes[at + 8])) |
                      static_cast<size_t>(static_cast<uint8_t>(bytes[at + 9])) << 8 |
                      static_cast<size_t>(static_cast<uint8_t>(bytes[at + 10])) << 16;
  for (size_t i = 0; i < 3; ++i) bytes[offset + 2 * i] = 16;
  test::write_bytes(path, bytes);
  try {
    open_slide(path);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find("16 bits"), std::string::npos) << error.message();
  }
}

TEST_F(OpenSlideFile, AnImpossibleMppIsRefusedAndAnotherThanTheFilesSaid) {
  TiffSpec spec;
  spec.x_resolution = spec.y_resolution = 20000;  // 0.5 µm
  EXPECT_THROW(open(spec, 250), Error);
  EXPECT_THROW(open(spec, 20), Error);  // 40 times the file's: an objective's power
  const auto info = open(spec, 1.0)->info();
  ASSERT_EQ(info.warnings.size(), 1u);
  EXPECT_NE(info.warnings[0].find("mpp of 1 "), std::string::npos) << info.warnings[0];
  EXPECT_NE(info.warnings[0].find("0.5"), std::string::npos) << info.warnings[0];
  EXPECT_TRUE(open(spec, 0.51)->info().warnings.empty());
}

TEST_F(OpenSlideFile, AnObjectiveIsAHintWhereThereIsNoMpp) {
  TiffSpec spec;
  spec.description = "Aperio Image Library v11\r\n300x250 (64x64)|AppMag = 20";
  const auto info = open(spec)->info();
  EXPECT_EQ(info.objective_power, 20);
  EXPECT_NE(mpp_hint(info).find("0.5 µm/px"), std::string::npos);
  EXPECT_EQ(mpp_hint(open(spec, 0.5)->info()), "");
}

TEST_F(OpenSlideFile, AnMppThatTheSlideContradictsIsDoubted) {
  TiffSpec spec;
  spec.description = "Aperio Image Library v11\r\n300x250 (64x64)|AppMag = 20|MPP = 0.25";
  const auto info = open(spec)->info();
  ASSERT_EQ(info.warnings.size(), 1u);
  EXPECT_NE(info.warnings[0].find("0.25 µm/px"), std::string::npos) << info.warnings[0];
  EXPECT_NE(info.warnings[0].find("20x makes about 0.5 µm/px"), std::string::npos);
  spec.description = "Aperio Image Library v11\r\n300x250 (64x64)|AppMag = 40|MPP = 0.2527";
  EXPECT_TRUE(open(spec)->info().warnings.empty());

  SlideInfo large;
  large.levels.push_back({.size_px = {300'000, 100'000}});
  large.mpp = Mpp{0.25, 0.25};  // 75 mm
  doubt_mpp(large);
  EXPECT_TRUE(large.warnings.empty());
  large.mpp = Mpp{0.5, 0.5};
  doubt_mpp(large);
  ASSERT_EQ(large.warnings.size(), 1u);
  EXPECT_NE(large.warnings[0].find("the slide is 150 mm long"), std::string::npos);
}

TEST_F(OpenSlideFile, HolesAreCountedOnce) {
  TiffSpec spec;
  spec.compression = COMPRESSION_ADOBE_DEFLATE;
  spec.missing = {{1, 1}, {4, 3}};
  const auto info = open(spec)->info();
  ASSERT_EQ(info.warnings.size(), 1u);
  EXPECT_NE(info.warnings[0].find("2 of 20 tiles"), std::string::npos) << info.warnings[0];
}

TEST_F(OpenSlideFile, ADicomOfAnotherKindIsCalledSo) {
  std::string bytes(128, '\0');
  bytes += "DICM";
  const auto element = [&](const char* tag, const std::string& uid) {
    bytes += std::string(tag, 4) + "UI" + static_cast<char>(uid.size()) + '\0' + uid;
  };
  element("\x02\x00\x02\x00", std::string("1.2.840.10008.5.1.4.1.1.2\0", 26));
  element("\x02\x00\x10\x00", "1.2.840.10008.1.2.4.80");
  test::write_bytes(path, bytes);
  try {
    open_slide(path);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("a DICOM file (CT image, JPEG-LS lossless)"), std::string::npos)
        << error.message();
  }
}

TEST_F(OpenSlideFile, AnEmptyFileIsNoSlide) {
  test::write_bytes(path, "");
  try {
    open_slide(path);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find("an empty file"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace lamella::slide
