// SPDX-License-Identifier: Apache-2.0
// Every TIFF layout that lamella decodes itself, beside the pixels written or libtiff's decoding.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <filesystem>

#include "lamella/base/error.h"
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

class TiffLayout : public testing::TestWithParam<TiffSpec> {};

TEST_P(TiffLayout, ShowsEveryLevelAsWritten) {
  const TiffSpec& spec = GetParam();
  const std::string path = test::temp_path(spec.label + ".tif");
  test::write_tiff(spec, path);
  const auto slide = open_slide(path, ours());
  ASSERT_EQ(slide->info().levels.size(), spec.levels.size());
  EXPECT_EQ(slide->info().format, "tiff");
  EXPECT_EQ(slide->info().backend, "lamella");
  for (size_t level = 0; level < spec.levels.size(); ++level) {
    const SizePx size = spec.levels[level];
    const bool lossy = spec.compression == COMPRESSION_JPEG;
    const Image expected = lossy ? test::decode_by_libtiff_alone(path, static_cast<int>(level))
                                 : test::expected_rgb(spec, level);
    EXPECT_EQ(slide->info().levels[level].size_px, size);
    const Image seen =
        read_region(*slide, static_cast<int>(level), {0, 0, size.width, size.height});
    EXPECT_TRUE(seen == expected) << "level " << level;
    if (!lossy) continue;
    // libtiff's decoding is itself near to what was written (quality 80, chroma reduced).
    const Image written = test::expected_rgb(spec, level);
    double difference = 0;
    for (size_t i = 0; i < written.bytes().size(); ++i) {
      difference += std::abs(int{written.bytes()[i]} - int{seen.bytes()[i]});
    }
    EXPECT_LT(difference / static_cast<double>(written.bytes().size()), 14);
  }
  std::filesystem::remove(path);
}

TiffSpec jpeg(const char* label, int tile_px, int photometric, std::array<int, 2> subsampling,
              bool shared) {
  TiffSpec spec;
  spec.label = label;
  spec.tile_px = tile_px;
  spec.compression = COMPRESSION_JPEG;
  spec.photometric = photometric;
  spec.subsampling = subsampling;
  spec.shared_tables = shared;
  return spec;
}

TiffSpec lossless(const char* label, int tile_px, int compression, int predictor = 1) {
  TiffSpec spec;
  spec.label = label;
  spec.tile_px = tile_px;
  spec.compression = compression;
  spec.predictor = predictor;
  return spec;
}

TiffSpec with(TiffSpec spec, void (*change)(TiffSpec&)) {
  change(spec);
  return spec;
}

const std::vector<TiffSpec> kJpegLayouts = {
    jpeg("ycc444_64", 64, PHOTOMETRIC_YCBCR, {1, 1}, true),
    jpeg("ycc422_240", 240, PHOTOMETRIC_YCBCR, {2, 1}, true),
    jpeg("ycc420_256", 256, PHOTOMETRIC_YCBCR, {2, 2}, true),
    jpeg("ycc420_512_own_tables", 512, PHOTOMETRIC_YCBCR, {2, 2}, false),
    jpeg("ycc420_1024", 1024, PHOTOMETRIC_YCBCR, {2, 2}, true),
    jpeg("rgb_240", 240, PHOTOMETRIC_RGB, {1, 1}, true),
    jpeg("rgb_64_own_tables", 64, PHOTOMETRIC_RGB, {1, 1}, false),
    with(jpeg("grey", 64, PHOTOMETRIC_MINISBLACK, {1, 1}, true),
         [](TiffSpec& spec) { spec.samples = 1; }),
    with(jpeg("ycc420_strips", 0, PHOTOMETRIC_YCBCR, {2, 2}, true),
         [](TiffSpec& spec) { spec.rows_per_strip = 16; }),
    with(jpeg("ycc420_big_endian_bigtiff", 64, PHOTOMETRIC_YCBCR, {2, 2}, true),
         [](TiffSpec& spec) { spec.mode = "w8b"; }),
    with(jpeg("pyramid", 64, PHOTOMETRIC_YCBCR, {2, 2}, true),
         [](TiffSpec& spec) {
           spec.levels = {{300, 250}, {150, 125}, {37, 31}};
         }),
};

const std::vector<TiffSpec> kLosslessLayouts = {
    lossless("none_64", 64, COMPRESSION_NONE),
    lossless("deflate_240", 240, COMPRESSION_ADOBE_DEFLATE),
    lossless("old_deflate_64", 64, COMPRESSION_DEFLATE),
    lossless("deflate_predictor_256", 256, COMPRESSION_ADOBE_DEFLATE, 2),
    lossless("lzw_64", 64, COMPRESSION_LZW),
    lossless("packbits_64", 64, COMPRESSION_PACKBITS),
    lossless("zstd_64", 64, COMPRESSION_ZSTD),
    lossless("zstd_predictor_strips", 0, COMPRESSION_ZSTD, 2),
    lossless("lzw_predictor_512", 512, COMPRESSION_LZW, 2),
    lossless("strips_none", 0, COMPRESSION_NONE),
    lossless("strips_lzw", 0, COMPRESSION_LZW),
    with(lossless("one_strip", 0, COMPRESSION_ADOBE_DEFLATE),
         [](TiffSpec& spec) { spec.rows_per_strip = 250; }),
    with(lossless("missing_tiles", 64, COMPRESSION_ADOBE_DEFLATE),
         [](TiffSpec& spec) {
           spec.missing = {{1, 1}, {4, 3}};
         }),
    with(lossless("big_endian", 64, COMPRESSION_LZW), [](TiffSpec& spec) { spec.mode = "wb"; }),
    with(lossless("bigtiff", 64, COMPRESSION_NONE), [](TiffSpec& spec) { spec.mode = "w8"; }),
    with(lossless("one_px_wide_level", 64, COMPRESSION_ADOBE_DEFLATE),
         [](TiffSpec& spec) {
           spec.levels = {{9, 600}, {4, 300}, {1, 75}};
         }),
    with(lossless("one_px", 16, COMPRESSION_NONE),
         [](TiffSpec& spec) {
           spec.levels = {{1, 1}};
         }),
    with(lossless("grey", 64, COMPRESSION_LZW),
         [](TiffSpec& spec) {
           spec.samples = 1;
           spec.photometric = PHOTOMETRIC_MINISBLACK;
         }),
    with(lossless("alpha", 64, COMPRESSION_ADOBE_DEFLATE),
         [](TiffSpec& spec) {
           spec.samples = 4;
           spec.extra_sample = EXTRASAMPLE_UNASSALPHA;
         }),
    with(lossless("premultiplied_alpha", 64, COMPRESSION_ADOBE_DEFLATE),
         [](TiffSpec& spec) {
           spec.samples = 4;
           spec.extra_sample = EXTRASAMPLE_ASSOCALPHA;
         }),
    with(lossless("fourth_sample_without_meaning", 64, COMPRESSION_NONE),
         [](TiffSpec& spec) {
           spec.samples = 4;
           spec.extra_sample = EXTRASAMPLE_UNSPECIFIED;
         }),
};

std::string label_of(const testing::TestParamInfo<TiffSpec>& info) { return info.param.label; }

INSTANTIATE_TEST_SUITE_P(Jpeg, TiffLayout, testing::ValuesIn(kJpegLayouts), label_of);
INSTANTIATE_TEST_SUITE_P(Lossless, TiffLayout, testing::ValuesIn(kLosslessLayouts), label_of);

}  // namespace
}  // namespace lamella::slide
