// SPDX-License-Identifier: Apache-2.0
// Damaged zstd and WebP: an error, never pixels that were made up.
#include <gtest/gtest.h>
#include <webp/encode.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/image.h"
#include "lamella/slide/decode_webp_internal.h"
#include "lamella/slide/decode_zstd_internal.h"

namespace lamella::slide {
namespace {

constexpr int kSide = 32;

std::vector<uint8_t> picture() {
  std::vector<uint8_t> pixels(size_t{kSide} * kSide * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * i / 7);
  return pixels;
}

std::vector<std::byte> as_zstd(const std::vector<uint8_t>& pixels) {
  std::vector<std::byte> bytes(ZSTD_compressBound(pixels.size()));
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), pixels.data(), pixels.size(), 3));
  return bytes;
}

std::vector<std::byte> as_webp(const std::vector<uint8_t>& pixels) {
  uint8_t* made = nullptr;
  const size_t size = WebPEncodeLosslessRGB(pixels.data(), kSide, kSide, 3 * kSide, &made);
  const auto* begin = reinterpret_cast<const std::byte*>(made);
  std::vector<std::byte> bytes(begin, begin + size);
  WebPFree(made);
  return bytes;
}

// Cut anywhere, of something else, or of nothing.
template <typename Decode>
void expect_corrupt(const std::vector<std::byte>& good, const Decode& decode) {
  const auto expect = [&](std::vector<std::byte> bytes, const char* what) {
    try {
      decode(bytes);
      ADD_FAILURE() << what << " of " << bytes.size() << " bytes was decoded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
    }
  };
  for (size_t size = 0; size < good.size(); size += 37) {
    expect({good.begin(), good.begin() + static_cast<ptrdiff_t>(size)}, "a part");
  }
  expect(std::vector<std::byte>(100, std::byte{0xff}), "noise");
  std::vector<std::byte> headless = good;
  headless[0] = std::byte{0};
  expect(headless, "another start");
}

TEST(DecodeZstd, GivesThePixelsOrAnError) {
  const std::vector<uint8_t> pixels = picture();
  const std::vector<std::byte> good = as_zstd(pixels);
  std::vector<uint8_t> out(pixels.size());
  decode_zstd(good, out, out.size());
  EXPECT_EQ(out, pixels);
  expect_corrupt(good, [&](const auto& bytes) { decode_zstd(bytes, out, out.size()); });
  // A last strip may be stored as long as the others.
  std::vector<uint8_t> first(300);
  decode_zstd(good, first, pixels.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), pixels.begin()));
  EXPECT_THROW(decode_zstd(good, first, first.size()), Error) << "more than a tile may have";
  std::vector<uint8_t> longer(pixels.size() + 1);
  EXPECT_THROW(decode_zstd(good, longer, longer.size()), Error) << "less than a tile has";
}

TEST(DecodeWebp, GivesThePixelsOrAnError) {
  const std::vector<uint8_t> pixels = picture();
  const std::vector<std::byte> good = as_webp(pixels);
  Image out(kSide, kSide);
  decode_webp(good, kSide, out.view());
  EXPECT_EQ(out.bytes(), pixels);
  expect_corrupt(good, [&](const auto& bytes) { decode_webp(bytes, kSide, out.view()); });
  Image wide(kSide + 1, kSide), high(kSide, kSide + 1);
  EXPECT_THROW(decode_webp(good, kSide, wide.view()), Error);
  EXPECT_THROW(decode_webp(good, kSide + 1, high.view()), Error);
}

}  // namespace
}  // namespace lamella::slide
