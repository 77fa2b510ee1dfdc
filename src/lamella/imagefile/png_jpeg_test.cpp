// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <png.h>

#include <cstdio>
// (jpeglib.h needs FILE)
#include <jpeglib.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"

namespace lamella::imagefile {
namespace {

std::string temp(const std::string& name) {
  return ::testing::TempDir() + "lamella_imagefile_" + name;
}

Image noise(int width, int height, int channels) {
  Image image(width, height, channels);
  Random random(3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * channels; ++x) image.row(y)[x] = uint8_t(random.below(256));
  }
  return image;
}

template <typename Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

void write_with_libpng(const std::string& path, int format, int width, int height,
                       const void* pixels) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = png_uint_32(width);
  png.height = png_uint_32(height);
  png.format = png_uint_32(format);
  ASSERT_TRUE(png_image_write_to_file(&png, path.c_str(), 0, pixels, 0, nullptr)) << png.message;
}

TEST(Png, RoundTripKeepsEveryByte) {
  for (const int channels : {1, 3}) {
    for (const auto& [width, height] : {std::pair{1, 1}, {17, 5}, {300, 200}}) {
      const Image image = noise(width, height, channels);
      const std::string path = temp("round.png");
      write_png(image.view(), path);
      EXPECT_EQ(read_png(path), image) << width << "x" << height << "x" << channels;
    }
  }
}

TEST(Png, WritesACropByItsStride) {
  const Image image = noise(20, 10, 3);
  const auto bytes = encode_png(crop(image.view(), {3, 2, 5, 4}));
  const std::string path = temp("crop.png");
  io::write_file_atomic(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const Image part = read_png(path);
  ASSERT_EQ(part.width(), 5);
  ASSERT_EQ(part.height(), 4);
  for (int y = 0; y < 4; ++y) {
    for (int i = 0; i < 15; ++i) ASSERT_EQ(part.row(y)[i], image.row(y + 2)[9 + i]);
  }
}

TEST(Png, TransparencyIsCompositedOverWhite) {
  const uint8_t rgba[8] = {10, 20, 30, 0, 0, 100, 200, 51};  // alpha 51 = 1/5
  const std::string path = temp("alpha.png");
  write_with_libpng(path, PNG_FORMAT_RGBA, 2, 1, rgba);
  const Image image = read_png(path);
  ASSERT_EQ(image.channels(), 3);
  EXPECT_EQ(image.bytes(), (std::vector<uint8_t>{255, 255, 255, 204, 224, 244}));
}

TEST(Png, PaletteBecomesRgb) {
  const uint8_t index[2] = {1, 0};
  const uint8_t palette[6] = {1, 2, 3, 200, 100, 50};
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = 2;
  png.height = 1;
  png.format = PNG_FORMAT_RGB_COLORMAP;
  png.colormap_entries = 2;
  const std::string path = temp("palette.png");
  ASSERT_TRUE(png_image_write_to_file(&png, path.c_str(), 0, index, 0, palette)) << png.message;
  EXPECT_EQ(read_png(path).bytes(), (std::vector<uint8_t>{200, 100, 50, 1, 2, 3}));
}

TEST(Png, DamagedFilesAreCorrupt) {
  const Image image = noise(64, 64, 3);
  const auto bytes = encode_png(image.view());
  const std::string whole(bytes.begin(), bytes.end());
  const std::string path = temp("damaged.png");
  for (const size_t keep : {size_t{0}, size_t{4}, size_t{20}, size_t{60}, whole.size() / 2}) {
    io::write_file_atomic(path, whole.substr(0, keep));
    EXPECT_EQ(code_of([&] { read_png(path); }), ErrorCode::kCorrupt) << keep << " bytes";
  }
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 0x55;
  io::write_file_atomic(path, flipped);
  EXPECT_EQ(code_of([&] { read_png(path); }), ErrorCode::kCorrupt);
  io::write_file_atomic(path, "no picture at all");
  EXPECT_EQ(code_of([&] { read_png(path); }), ErrorCode::kCorrupt);
}

TEST(Png, BadPathsAndShapes) {
  EXPECT_EQ(code_of([] { read_png(temp("absent.png")); }), ErrorCode::kNotFound);
  const Image image(2, 2, 3);
  EXPECT_EQ(code_of([&] { write_png(image.view(), "/proc/lamella/x.png"); }), ErrorCode::kIo);
  EXPECT_EQ(code_of([] { encode_png(Image(2, 2, 4).view()); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([] { encode_png(ImageView{}); }), ErrorCode::kInvalidArgument);
}

// Decoded by libjpeg itself; also gives the sampling factors of the first component.
Image decode(const std::vector<uint8_t>& bytes, int* horizontal) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  *horizontal = info.comp_info[0].h_samp_factor;
  jpeg_start_decompress(&info);
  Image image(int(info.output_width), int(info.output_height), 3);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.row(int(info.output_scanline));
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return image;
}

TEST(Jpeg, PlainColourComesBackAndChromaFollowsQuality) {
  Image image(33, 9, 3);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 33; ++x) {
      image.row(y)[3 * x] = 200;
      image.row(y)[3 * x + 1] = 120;
      image.row(y)[3 * x + 2] = 160;
    }
  }
  for (const auto& [quality, factor] : {std::pair{85, 2}, {89, 2}, {90, 1}, {100, 1}}) {
    int horizontal = 0;
    const Image back = decode(encode_jpeg(image.view(), quality), &horizontal);
    EXPECT_EQ(horizontal, factor) << quality;
    ASSERT_EQ(back.width(), 33);
    ASSERT_EQ(back.height(), 9);
    for (size_t i = 0; i < back.bytes().size(); ++i) {
      ASSERT_NEAR(back.bytes()[i], image.bytes()[i], 3) << quality;
    }
  }
}

TEST(Jpeg, ChromaAsAskedFor) {
  const Image image(33, 9, 3, 120);
  int horizontal = 0;
  decode(encode_jpeg(image.view(), 95, parse_chroma("4:2:0")), &horizontal);
  EXPECT_EQ(horizontal, 2);
  decode(encode_jpeg(image.view(), 80, parse_chroma("4:4:4")), &horizontal);
  EXPECT_EQ(horizontal, 1);
  EXPECT_EQ(code_of([] { parse_chroma("4:2:2"); }), ErrorCode::kInvalidArgument);
}

TEST(Jpeg, BadArguments) {
  const Image image(4, 4, 3);
  EXPECT_EQ(code_of([&] { encode_jpeg(image.view(), 0); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { encode_jpeg(image.view(), 101); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([] { encode_jpeg(Image(4, 4, 1).view(), 80); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([] { encode_jpeg(Image(65501, 1, 3).view(), 80); }),
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace lamella::imagefile
