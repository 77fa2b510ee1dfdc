// SPDX-License-Identifier: Apache-2.0
// Tiles decoded at a reduced size, beside the mean of the whole ones; and files whose layout
// libtiff itself would not write.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <tiffio.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/slide/decode_tiff_internal.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"
#include "lamella/testing/test_tiff.h"

namespace lamella::slide {
namespace {

using test::TiffSpec;

TiffSpec jpeg_spec(const char* label, int photometric, std::array<int, 2> subsampling) {
  TiffSpec spec;
  spec.label = label;
  spec.levels = {{300, 250}};
  spec.tile_px = 112;
  spec.compression = COMPRESSION_JPEG;
  spec.photometric = photometric;
  spec.subsampling = subsampling;
  return spec;
}

TEST(MergedRanges, ByHand) {
  class Source final : public io::ByteSource {
   public:
    const std::string& name() const override { return name_; }
    int64_t size() const override { return 1000; }
    void read_at(int64_t, std::span<std::byte>) const override {}

   private:
    std::string name_ = "source";
  };
  TiffFile file;
  file.source = std::make_shared<Source>();
  TiffDirectory& directory = file.directories.emplace_back();
  directory.columns = 3;
  directory.rows = 2;
  directory.offsets = {500, 100, 160, 900, 0, 700};
  directory.byte_counts = {50, 50, 40, 200, 0, 10};
  const std::vector<TileIndex> all = {{0, 0}, {1, 0}, {2, 0}, {0, 1}, {1, 1}, {2, 1}};
  using Ranges = std::vector<std::pair<int64_t, int64_t>>;
  // 100-150 and 160-200 are 10 bytes apart; 900-1100 ends beyond the file; tile 4 is left out.
  EXPECT_EQ(merged_ranges(file, 0, all, 10), (Ranges{{100, 100}, {500, 50}, {700, 10}}));
  EXPECT_EQ(merged_ranges(file, 0, all, 9), (Ranges{{100, 50}, {160, 40}, {500, 50}, {700, 10}}));
  EXPECT_EQ(merged_ranges(file, 0, all, 150), (Ranges{{100, 100}, {500, 210}}));
  EXPECT_TRUE(merged_ranges(file, 0, {}, 10).empty());
}

class ReducedTiles : public testing::TestWithParam<TiffSpec> {};

TEST_P(ReducedTiles, ArePicturesOfTheSame) {
  const std::string path = test::temp_path(GetParam().label + "_reduced.tif");
  test::write_tiff(GetParam(), path);
  const auto slide = open_slide(path);
  ASSERT_EQ(slide->info().levels[0].max_reduction, 8);
  const Image whole = read_region(*slide, 0, {0, 0, 300, 250});
  for (const int r : {2, 4, 8}) {
    const int width = 300 / r, height = 250 / r;
    RegionReader reader(slide, {0, {{0, 0, width, height}}, r});
    Image reduced(width, height);
    const MutableImageView view = reduced.view();
    ASSERT_TRUE(reader.read_next({&view, 1}, {}).empty());
    double bias = 0, difference = 0;
    for (int y = 0; y < height; ++y) {
      for (int i = 0; i < 3 * width; ++i) {
        double sum = 0;
        for (int k = 0; k < r * r; ++k) {
          sum += whole.row(y * r + k / r)[3 * (i / 3 * r + k % r) + i % 3];
        }
        const double change = reduced.row(y)[i] - sum / (r * r);
        bias += change;
        difference += std::abs(change);
      }
    }
    const double count = 3.0 * width * height;
    EXPECT_LT(std::abs(bias) / count, 1) << "1/" << r;
    EXPECT_LT(difference / count, 6) << "1/" << r;
  }
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Jpeg, ReducedTiles,
                         testing::Values(jpeg_spec("ycc444", PHOTOMETRIC_YCBCR, {1, 1}),
                                         jpeg_spec("ycc422", PHOTOMETRIC_YCBCR, {2, 1}),
                                         jpeg_spec("ycc420", PHOTOMETRIC_YCBCR, {2, 2}),
                                         jpeg_spec("rgb", PHOTOMETRIC_RGB, {1, 1})),
                         [](const auto& spec) { return spec.param.label; });

TEST(ReducedLevel, ByHand) {
  LevelInfo level;
  level.size_px = {1003, 517};
  level.tile_px = {240, 256};
  level.downsample_x = level.downsample_y = 4;
  level.max_reduction = 4;
  const LevelInfo quarter = reduced_level(level, 4);
  EXPECT_EQ(quarter.size_px, (SizePx{250, 129}));
  EXPECT_EQ(quarter.tile_px, (SizePx{60, 64}));
  EXPECT_EQ(quarter.downsample_x, 16);
  EXPECT_THROW(reduced_level(level, 8), Error);
  EXPECT_THROW(reduced_level(level, 3), Error);
  EXPECT_THROW(reduced_level(level, 0), Error);
  EXPECT_EQ(reduction_for(level, 1.9), 1);
  EXPECT_EQ(reduction_for(level, 2.0), 2);
  EXPECT_EQ(reduction_for(level, 3.99), 2);
  EXPECT_EQ(reduction_for(level, 100), 4) << "not beyond what the level offers";
  EXPECT_EQ(reduction_to(level, {501, 258}), 2) << "1003 / 2 x 517 / 2, rounded down";
  EXPECT_EQ(reduction_to(level, {502, 258}), 1);
  EXPECT_EQ(reduction_to(level, {501, 259}), 1);
  EXPECT_EQ(reduction_to(level, {10, 10}), 4);
  EXPECT_EQ(reduction_to(level, {2000, 2000}), 1);
}

// Position of a directory entry's value in a little-endian file of one directory.
size_t value_position(const std::string& bytes, uint16_t tag, bool bigtiff) {
  const auto read = [&](size_t at, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, size);
    return value;
  };
  const size_t directory = bigtiff ? read(8, 8) : read(4, 4);
  const size_t head = bigtiff ? 8 : 2, entry = bigtiff ? 20 : 12, count = read(directory, head);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = directory + head + i * entry;
    if (read(at, 2) == tag) return at + entry - (bigtiff ? 8 : 4);
  }
  throw std::runtime_error("no such tag");
}

TEST(OddLayouts, TilesThatAreNoMultipleOf16) {
  TiffSpec spec;
  spec.levels = {{100, 100}};
  spec.tile_px = 112;
  const std::string path = test::temp_path("tile_100.tif");
  test::write_tiff(spec, path);
  std::string bytes = test::read_bytes(path);
  const auto [offset, length] = test::stored_tile(path, 0, 0);
  for (const uint16_t tag : {TIFFTAG_TILEWIDTH, TIFFTAG_TILELENGTH}) {
    bytes[value_position(bytes, tag, false)] = 100;
  }
  const uint32_t stored = 100 * 100 * 3;
  ASSERT_GE(length, stored);
  std::memcpy(bytes.data() + value_position(bytes, TIFFTAG_TILEBYTECOUNTS, false), &stored, 4);
  test::write_bytes(path, bytes);
  const Image image = read_region(*open_slide(path), 0, {0, 0, 100, 100});
  EXPECT_EQ(std::memcmp(image.bytes().data(), bytes.data() + offset, stored), 0);
  std::filesystem::remove(path);
}

TEST(OddLayouts, ATileBeyond4GiB) {
  TiffSpec spec;
  spec.levels = {{60, 50}};
  spec.mode = "w8";
  spec.compression = COMPRESSION_ADOBE_DEFLATE;
  const std::string path = test::temp_path("beyond_4_gib.tif");
  test::write_tiff(spec, path);
  std::string bytes = test::read_bytes(path);
  const auto [offset, length] = test::stored_tile(path, 0, 0);
  const std::string tile = bytes.substr(static_cast<size_t>(offset), static_cast<size_t>(length));
  const int64_t far = (int64_t{5} << 30) + 17;
  std::memcpy(bytes.data() + value_position(bytes, TIFFTAG_TILEOFFSETS, true), &far, 8);
  bytes.replace(static_cast<size_t>(offset), tile.size(), tile.size(), 'x');
  test::write_bytes(path, bytes);
  const int file = open(path.c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(file, tile.data(), tile.size(), far), static_cast<ssize_t>(tile.size()));
  close(file);
  const Image image = read_region(*open_slide(path), 0, {0, 0, 60, 50});
  EXPECT_TRUE(image == test::expected_rgb(spec, 0));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lamella::slide
