// SPDX-License-Identifier: Apache-2.0
// A part of a tile, decoded without the rest, beside the whole decoding.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <filesystem>
#include <functional>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"
#include "lamella/slide/tile_geometry_internal.h"
#include "lamella/testing/test_tiff.h"

namespace lamella::slide {
namespace {

using test::TiffSpec;

TiffSpec spec_of(const char* label, int tile_px, int photometric, std::array<int, 2> subsampling,
                 int compression = COMPRESSION_JPEG) {
  TiffSpec spec;
  spec.label = label;
  spec.tile_px = tile_px;
  spec.compression = compression;
  spec.photometric = photometric;
  spec.subsampling = subsampling;
  return spec;
}

TiffSpec strips(const char* label, int rows) {
  TiffSpec spec = spec_of(label, 0, PHOTOMETRIC_YCBCR, {2, 2});
  spec.rows_per_strip = rows;
  return spec;
}

TiffSpec grey() {
  TiffSpec spec = spec_of("part_grey", 112, PHOTOMETRIC_MINISBLACK, {1, 1});
  spec.samples = 1;
  return spec;
}

bool same(const ImageView& a, const ImageView& b) {
  for (int y = 0; y < a.height; ++y) {
    if (!std::equal(a.row(y), a.row(y) + 3 * a.width, b.row(y))) return false;
  }
  return true;
}

// Corners, edges, single pixels, and parts anywhere.
std::vector<RectPx> parts_of(int64_t width, int64_t height, Random& random) {
  std::vector<RectPx> parts = {{0, 0, width, height}, {0, 0, 1, 1},
                               {width - 1, 0, 1, 1},  {0, height - 1, 1, 1},
                               {0, 0, width, 1},      {0, 0, 1, height},
                               {0, 0, 5, 9},          {width - 1, height - 1, 1, 1}};
  for (int i = 0; i < 60; ++i) {
    const auto x = int64_t(random.below(uint64_t(width))),
               y = int64_t(random.below(uint64_t(height)));
    parts.push_back({x, y, 1 + int64_t(random.below(uint64_t(width - x))),
                     1 + int64_t(random.below(uint64_t(height - y)))});
  }
  return parts;
}

class PartOfTile : public testing::TestWithParam<TiffSpec> {
 protected:
  PartOfTile() : path(test::temp_path(GetParam().label + ".tif")) {
    test::write_tiff(GetParam(), path);
    slide = open_slide(path);
  }
  ~PartOfTile() override { std::filesystem::remove(path); }
  std::string path;
  std::shared_ptr<const Slide> slide;
};

TEST_P(PartOfTile, HasThePixelsOfTheWhole) {
  const LevelInfo& level = slide->info().levels[0];
  const auto decoder = slide->make_decoder();
  const SizePx tile = level.tile_px;
  Image whole(int(tile.width), int(tile.height)), partly(whole.width(), whole.height());
  Random random(5);
  const TileRange all = tiles_of(level, {0, 0, level.size_px.width, level.size_px.height});
  for (int64_t row = 0; row < all.row1; ++row) {
    for (int64_t column = 0; column < all.column1; ++column) {
      slide->read_tile(0, {column, row}, *decoder, whole.view());
      const RectPx valid = part_of_tile(level, {column, row}, tile_rect(level, {column, row}));
      for (const RectPx& part : parts_of(valid.width, valid.height, random)) {
        fill_pixels(partly.view(), 77);
        slide->read_tile_part(0, {column, row}, part, *decoder, partly.view());
        ASSERT_TRUE(same(crop(partly.view(), part), crop(whole.view(), part)))
            << "tile " << column << "," << row << ": part " << part.x << "," << part.y << " "
            << part.width << " x " << part.height;
      }
    }
  }
}

TEST_P(PartOfTile, SparseRegionsAreThoseOfThePlainLoop) {
  Random random(6);
  for (const int size : {1, 10, 37}) {
    ReadRequest request;
    for (int i = 0; i < 40; ++i) {
      request.regions.push_back(
          {int64_t(random.below(310)) - 5, int64_t(random.below(260)) - 5, size, size});
    }
    for (const int64_t budget : {int64_t{0}, int64_t{1} << 20}) {
      RegionReader reader(slide, request, {.tile_budget_bytes = budget});
      for (const uint32_t region : reader.order()) {
        Image image(size, size);
        const MutableImageView view = image.view();
        ASSERT_TRUE(reader.read_next({&view, 1}, {}).empty());
        ASSERT_EQ(image, read_region(*slide, 0, request.regions[region])) << region;
      }
    }
  }
}

// Whether the call ends with an Error of a damaged tile.
bool fails(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
    return true;
  }
  return false;
}

// Damage below or beside the part spoils it no less: which patches fail does not depend on what
// else is read.
TEST_P(PartOfTile, FailsWheneverTheWholeDoes) {
  const std::string good = test::read_bytes(path);
  const auto [offset, length] = test::stored_tile(path, 0, 0);
  const SizePx tile = slide->info().levels[0].tile_px;
  Image whole(int(tile.width), int(tile.height)), partly(whole.width(), whole.height());
  const std::vector<RectPx> parts = {{0, 0, 8, 8}, {tile.width - 9, tile.height / 2, 9, 8}};
  Random random(7);
  int failed = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = good;
    const auto at = static_cast<size_t>(offset) + random.below(uint64_t(length));
    if (i % 3 == 0 && GetParam().compression == COMPRESSION_JPEG) {
      bytes.replace(std::min(at, static_cast<size_t>(offset + length) - 2), 2, "\xff\xd9");
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
    }
    test::write_bytes(path, bytes);
    const auto damaged = open_slide(path);
    const auto decoder = damaged->make_decoder();
    const bool bad = fails([&] { damaged->read_tile(0, {0, 0}, *decoder, whole.view()); });
    failed += bad;
    for (const RectPx& part : parts) {
      ASSERT_EQ(fails([&] {
                  damaged->read_tile_part(0, {0, 0}, part, *decoder, partly.view());
                }),
                bad)
          << "byte " << at << " of " << length << " from " << offset;
      if (!bad) {
        ASSERT_TRUE(same(crop(partly.view(), part), crop(whole.view(), part)));
      }
    }
  }
  EXPECT_GT(failed, 40);
}

INSTANTIATE_TEST_SUITE_P(Layouts, PartOfTile,
                         testing::Values(spec_of("part_444_112", 112, PHOTOMETRIC_YCBCR, {1, 1}),
                                         spec_of("part_422_112", 112, PHOTOMETRIC_YCBCR, {2, 1}),
                                         spec_of("part_440_112", 112, PHOTOMETRIC_YCBCR, {1, 2}),
                                         spec_of("part_420_112", 112, PHOTOMETRIC_YCBCR, {2, 2}),
                                         spec_of("part_420_256", 256, PHOTOMETRIC_YCBCR, {2, 2}),
                                         spec_of("part_411_128", 128, PHOTOMETRIC_YCBCR, {4, 1}),
                                         spec_of("part_rgb_112", 112, PHOTOMETRIC_RGB, {1, 1}),
                                         grey(), strips("part_strips_16", 16),
                                         strips("part_strips_64", 64),
                                         strips("part_one_strip", 250),
                                         spec_of("part_deflate_112", 112, PHOTOMETRIC_RGB, {1, 1},
                                                 COMPRESSION_ADOBE_DEFLATE)),
                         [](const auto& spec) { return spec.param.label; });

TEST(PartOfTile, RefusesAPartOutsideTheTile) {
  const TiffSpec spec = spec_of("part_refused", 112, PHOTOMETRIC_YCBCR, {2, 2});
  const std::string path = test::temp_path("part_refused.tif");
  test::write_tiff(spec, path);
  const auto slide = open_slide(path);
  const auto decoder = slide->make_decoder();
  Image image(112, 112);
  for (const RectPx& part : {RectPx{0, 0, 0, 5}, {-1, 0, 5, 5}, {110, 0, 3, 1}, {0, 100, 1, 13}}) {
    EXPECT_THROW(slide->read_tile_part(0, {0, 0}, part, *decoder, image.view()), Error);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lamella::slide
