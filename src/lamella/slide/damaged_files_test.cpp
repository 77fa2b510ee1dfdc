// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile files: an error that says where, never a crash, never an invented pixel.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"
#include "lamella/testing/test_tiff.h"

namespace lamella::slide {
namespace {

using test::TiffSpec;

OpenOptions ours() {
  OpenOptions options;
  options.backend = OpenOptions::Backend::kLamella;
  return options;
}

std::optional<Error> error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

TiffSpec small(int compression) {
  TiffSpec spec;
  spec.levels = {{100, 90}};
  spec.tile_px = 32;
  spec.compression = compression;
  spec.photometric = compression == COMPRESSION_JPEG ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;
  return spec;
}

class DamagedTile : public testing::TestWithParam<int> {
 protected:
  DamagedTile() : path(test::temp_path("damaged" + std::to_string(GetParam()) + ".tif")) {
    test::write_tiff(small(GetParam()), path);
    whole = open_slide(path, ours());
    pixels = read_region(*whole, 0, {0, 0, 100, 90});
    good = test::read_bytes(path);
    std::tie(offset, length) = test::stored_tile(path, 0, 5);  // column 1, row 1 of 4 x 3
  }
  ~DamagedTile() override { std::filesystem::remove(path); }

  // Regions of 10 px over the slide: exactly those that touch tile 1,1 fail, with its name.
  void expect_only_that_tile_fails(const std::string& bytes) const {
    test::write_bytes(path, bytes);
    const auto slide = open_slide(path, ours());
    ReadRequest request;
    for (int64_t y = 0; y < 90; y += 10) {
      for (int64_t x = 0; x < 100; x += 10) request.regions.push_back({x, y, 10, 10});
    }
    RegionReader reader(slide, request);
    Context context;
    context.threads = 2;
    for (const uint32_t region : reader.order()) {
      Image image(10, 10);
      const MutableImageView view = image.view();
      const auto failures = reader.read_next(std::span(&view, 1), context);
      const RectPx& rect = request.regions[region];
      ASSERT_EQ(!failures.empty(), !intersect(rect, {32, 32, 32, 32}).empty()) << region;
      if (failures.empty()) {
        ASSERT_TRUE(image == read_region_of_good(rect));
      } else {
        EXPECT_NE(failures[0].message.find(path), std::string::npos) << failures[0].message;
        EXPECT_NE(failures[0].message.find("level 0, tile 1,1"), std::string::npos)
            << failures[0].message;
      }
    }
  }
  Image read_region_of_good(const RectPx& rect) const {
    Image part(static_cast<int>(rect.width), static_cast<int>(rect.height));
    copy_pixels(crop(pixels.view(), rect), part.view());
    return part;
  }

  std::string path, good;
  std::shared_ptr<const Slide> whole;
  Image pixels;
  int64_t offset = 0, length = 0;
};

TEST_P(DamagedTile, Overwritten) {
  std::string bytes = good;
  for (int64_t i = length / 2; i < length; ++i) bytes[static_cast<size_t>(offset + i)] = '\xff';
  expect_only_that_tile_fails(bytes);
}

TEST_P(DamagedTile, Zeroed) {
  std::string bytes = good;
  std::fill_n(bytes.begin() + offset, length, '\0');
  expect_only_that_tile_fails(bytes);
}

// The second half replaced by an early end: decoders often only warn and fill the rest.
TEST_P(DamagedTile, CutShort) {
  std::string bytes = good;
  const auto half = static_cast<size_t>(length / 2);
  bytes.replace(static_cast<size_t>(offset) + half, half, std::string(half, '\0'));
  if (GetParam() == COMPRESSION_JPEG)
    bytes.replace(static_cast<size_t>(offset) + half, 2, "\xff\xd9");
  expect_only_that_tile_fails(bytes);
}

INSTANTIATE_TEST_SUITE_P(Codecs, DamagedTile,
                         testing::Values(COMPRESSION_JPEG, COMPRESSION_ADOBE_DEFLATE,
                                         COMPRESSION_LZW));

// Whatever the bytes: the file reads, or an Error names it.
void expect_error_or_pixels(const std::string& path, const std::string& bytes) {
  test::write_bytes(path, bytes);
  try {
    const auto slide = open_slide(path, ours());
    for (size_t level = 0; level < slide->info().levels.size(); ++level) {
      const LevelInfo& facts = slide->info().levels[level];
      const RectPx part = {0, 0, std::min<int64_t>(200, facts.size_px.width),
                           std::min<int64_t>(200, facts.size_px.height)};
      read_region(*slide, static_cast<int>(level), part);
    }
    for (const std::string& name : slide->info().associated_images) {
      slide->read_associated_image(name);
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.path(), path);
    EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
  }
}

class HostileFile : public testing::TestWithParam<TiffSpec> {};

TEST_P(HostileFile, CutAtAnyPoint) {
  const std::string path = test::temp_path("cut_" + GetParam().label + ".tif");
  test::write_tiff(GetParam(), path);
  const std::string good = test::read_bytes(path);
  const size_t step = std::max<size_t>(1, good.size() / 400);
  for (size_t size = 0; size < good.size(); size += step) {
    expect_error_or_pixels(path, good.substr(0, size));
  }
  // libtiff writes the directory last: all but its last byte is not a whole file.
  test::write_bytes(path, good.substr(0, good.size() / 2));
  EXPECT_TRUE(error_of([&] { open_slide(path, ours()); }).has_value());
  std::filesystem::remove(path);
}

TEST_P(HostileFile, AnyByteFlipped) {
  const std::string path = test::temp_path("flipped_" + GetParam().label + ".tif");
  test::write_tiff(GetParam(), path);
  const std::string good = test::read_bytes(path);
  Random random(17);
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = good;
    const uint64_t flips = 1 + random.below(3);
    for (uint64_t i = 0; i < flips; ++i) {
      // Every other flip hits the directories, which libtiff writes near the end, or the header.
      const size_t tail = std::min<size_t>(bytes.size(), 600);
      const bool near_end = random.below(2) == 0;
      size_t at = near_end ? bytes.size() - 1 - random.below(tail) : random.below(bytes.size());
      if (random.below(16) == 0) at = random.below(8);
      bytes[at] = static_cast<char>(random.below(256));
    }
    expect_error_or_pixels(path, bytes);
  }
  std::filesystem::remove(path);
}

TiffSpec named(TiffSpec spec, const char* label) {
  spec.label = label;
  return spec;
}

TiffSpec with_levels(TiffSpec spec) {
  spec.levels = {{100, 90}, {50, 45}};
  spec.description = "Aperio Image Library v1\r\n100x90|MPP = 0.5";
  return spec;
}

TiffSpec strips(TiffSpec spec) {
  spec.tile_px = 0;
  return spec;
}

INSTANTIATE_TEST_SUITE_P(Layouts, HostileFile,
                         testing::Values(named(small(COMPRESSION_JPEG), "jpeg"),
                                         named(with_levels(small(COMPRESSION_JPEG)), "aperio"),
                                         named(small(COMPRESSION_LZW), "lzw"),
                                         named(strips(small(COMPRESSION_ADOBE_DEFLATE)),
                                               "deflate_strips")),
                         [](const auto& each) { return each.param.label; });

// A directory whose numbers claim far more than the file can hold.
TEST(AbsurdHeader, IsAnErrorBeforeMemoryIsTaken) {
  const std::string path = test::temp_path("absurd.tif");
  test::write_tiff(small(COMPRESSION_JPEG), path);
  const std::string good = test::read_bytes(path);
  const auto patched = [&](uint16_t tag, uint32_t value) {
    std::string bytes = good;
    const std::string entry = {static_cast<char>(tag & 255), static_cast<char>(tag >> 8)};
    for (size_t at = bytes.size() - 12; at > 8; --at) {
      // A SHORT or LONG entry with a count of one.
      const bool type = bytes[at + 2] == 3 || bytes[at + 2] == 4;
      if (bytes.compare(at, 2, entry) || !type ||
          bytes.compare(at + 4, 4, std::string("\1\0\0\0", 4)))
        continue;
      bytes[at + 2] = 4;
      for (size_t i = 0; i < 4; ++i) bytes[at + 8 + i] = static_cast<char>(value >> (8 * i));
      return bytes;
    }
    ADD_FAILURE() << "tag " << tag << " was not found";
    return bytes;
  };
  const std::vector<std::pair<uint16_t, uint32_t>> cases = {{TIFFTAG_IMAGEWIDTH, 0xfffffff0u},
                                                            {TIFFTAG_IMAGEWIDTH, 0x7ffffff0u},
                                                            {TIFFTAG_IMAGELENGTH, 0x40000000u},
                                                            {TIFFTAG_IMAGEWIDTH, 0},
                                                            {TIFFTAG_TILEWIDTH, 0x7ffffff0u},
                                                            {TIFFTAG_TILEWIDTH, 0},
                                                            {TIFFTAG_TILELENGTH, 1u << 20},
                                                            {TIFFTAG_TILEWIDTH, 16},
                                                            {TIFFTAG_TILELENGTH, 1}};
  for (const auto& [tag, value] : cases) {
    test::write_bytes(path, patched(tag, value));
    const auto error = error_of([&] { read_region(*open_slide(path, ours()), 0, {0, 0, 9, 9}); });
    ASSERT_TRUE(error.has_value()) << "tag " << tag << " = " << value;
    EXPECT_TRUE(error->code() == ErrorCode::kCorrupt || error->code() == ErrorCode::kUnsupported)
        << error->what();
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lamella::slide
