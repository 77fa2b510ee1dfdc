// SPDX-License-Identifier: Apache-2.0
// Codestreams made here by OpenJPEG, reversibly, so that what goes in is what must come out.
#include <gtest/gtest.h>
#include <openjpeg.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/slide/decode_jpeg2000_internal.h"

namespace lamella::slide {
namespace {

struct Plane {
  int width = 0, height = 0;
  std::vector<int> samples;
};

Plane make_plane(int width, int height, uint64_t seed) {
  Random random(seed);
  Plane plane{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    plane.samples.push_back(static_cast<int>((i % 97 + random.below(60)) % 256));
  }
  return plane;
}

OPJ_SIZE_T append(void* bytes, OPJ_SIZE_T size, void* user) {
  auto& out = *static_cast<std::vector<std::byte>*>(user);
  const auto* from = static_cast<const std::byte*>(bytes);
  out.insert(out.end(), from, from + size);
  return size;
}

// Lossless codestream of 8-bit planes; a plane of half the first one's size is subsampled.
std::vector<std::byte> encode(const std::vector<Plane>& planes) {
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.tcp_rates[0] = 0;
  parameters.cp_disto_alloc = 1;
  parameters.tcp_mct = 0;
  std::vector<opj_image_cmptparm_t> components(planes.size());
  for (size_t c = 0; c < planes.size(); ++c) {
    components[c].dx = static_cast<OPJ_UINT32>(planes[0].width / planes[c].width);
    components[c].dy = static_cast<OPJ_UINT32>(planes[0].height / planes[c].height);
    components[c].w = static_cast<OPJ_UINT32>(planes[c].width);
    components[c].h = static_cast<OPJ_UINT32>(planes[c].height);
    components[c].prec = 8;
  }
  const std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> image(
      opj_image_create(static_cast<OPJ_UINT32>(planes.size()), components.data(), OPJ_CLRSPC_SRGB),
      &opj_image_destroy);
  image->x1 = static_cast<OPJ_UINT32>(planes[0].width);
  image->y1 = static_cast<OPJ_UINT32>(planes[0].height);
  for (size_t c = 0; c < planes.size(); ++c) {
    std::memcpy(image->comps[c].data, planes[c].samples.data(),
                planes[c].samples.size() * sizeof(int));
  }
  std::vector<std::byte> bytes;
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(
      opj_create_compress(OPJ_CODEC_J2K), &opj_destroy_codec);
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(
      opj_stream_create(1 << 20, OPJ_FALSE), &opj_stream_destroy);
  opj_stream_set_write_function(stream.get(), &append);
  opj_stream_set_user_data(stream.get(), &bytes, nullptr);
  EXPECT_TRUE(opj_setup_encoder(codec.get(), &parameters, image.get()));
  EXPECT_TRUE(opj_start_compress(codec.get(), image.get(), stream.get()));
  EXPECT_TRUE(opj_encode(codec.get(), stream.get()));
  EXPECT_TRUE(opj_end_compress(codec.get(), stream.get()));
  return bytes;
}

TEST(DecodeJpeg2000, RgbIsExact) {
  const std::vector<Plane> planes = {make_plane(64, 48, 1), make_plane(64, 48, 2),
                                     make_plane(64, 48, 3)};
  Image image(64, 48);
  decode_jpeg2000(encode(planes), Jpeg2000Colour::kRgb, 1, image.view());
  for (size_t i = 0; i < 64 * 48; ++i) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(image.bytes()[3 * i + c], planes[c].samples[i]);
  }
}

TEST(DecodeJpeg2000, ReducedIsASmallerPictureOfTheSame) {
  // A ramp: the reduced pixel is one of the pixels that it stands for, or between them.
  Plane ramp{64, 48, {}};
  for (int i = 0; i < 64 * 48; ++i) ramp.samples.push_back(2 * (i % 64) + 2 * (i / 64));
  const auto bytes = encode({ramp, ramp, ramp});
  EXPECT_EQ(jpeg2000_wavelet_levels(std::span(bytes).first(200)), 5) << "OpenJPEG's default";
  for (const int r : {2, 4, 8}) {
    Image image(64 / r, 48 / r);
    decode_jpeg2000(bytes, Jpeg2000Colour::kRgb, r, image.view());
    for (int y = 1; y + 1 < image.height(); ++y) {
      for (int x = 1; x + 1 < image.width(); ++x) {
        EXPECT_NEAR(image.row(y)[3 * x], 2 * r * (x + y), 2 * r) << r;
      }
    }
  }
  EXPECT_EQ(jpeg2000_wavelet_levels({}), 0);
  Image tiny(1, 1);
  EXPECT_THROW(decode_jpeg2000(bytes, Jpeg2000Colour::kRgb, 64, tiny.view()), Error);
}

TEST(DecodeJpeg2000, YcbcrFollowsJfifWholeOrHalved) {
  for (const auto& [step_x, step_y] : {std::pair(1, 1), {2, 1}, {2, 2}}) {
    const std::vector<Plane> planes = {make_plane(64, 48, 1),
                                       make_plane(64 / step_x, 48 / step_y, 2),
                                       make_plane(64 / step_x, 48 / step_y, 3)};
    Image image(64, 48);
    decode_jpeg2000(encode(planes), Jpeg2000Colour::kYcbcr, 1, image.view());
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < 64; ++x) {
        const auto chroma = static_cast<size_t>(y / step_y * (64 / step_x) + x / step_x);
        const double luma = planes[0].samples[static_cast<size_t>(y * 64 + x)];
        const double cb = planes[1].samples[chroma] - 128, cr = planes[2].samples[chroma] - 128;
        const auto byte = [](double v) { return std::clamp(std::floor(v + 0.5), 0.0, 255.0); };
        const uint8_t* pixel = image.row(y) + 3 * x;
        ASSERT_NEAR(pixel[0], byte(luma + 1.402 * cr), 1);
        ASSERT_NEAR(pixel[1], byte(luma - 0.344136286 * cb - 0.714136286 * cr), 1);
        ASSERT_NEAR(pixel[2], byte(luma + 1.772 * cb), 1);
      }
    }
  }
}

TEST(DecodeJpeg2000, RefusesWhatIsNotTheTile) {
  const std::vector<Plane> planes = {make_plane(64, 48, 1), make_plane(64, 48, 2),
                                     make_plane(64, 48, 3)};
  const std::vector<std::byte> good = encode(planes);
  Image larger(64, 64), right(64, 48);
  EXPECT_THROW(decode_jpeg2000(good, Jpeg2000Colour::kRgb, 1, larger.view()), Error);
  EXPECT_THROW(decode_jpeg2000({}, Jpeg2000Colour::kRgb, 1, right.view()), Error);
  const auto grey = encode({planes[0]});
  EXPECT_THROW(decode_jpeg2000(grey, Jpeg2000Colour::kRgb, 1, right.view()), Error);
}

TEST(DecodeJpeg2000, CutShortIsAnErrorAtAnyPoint) {
  const std::vector<Plane> planes = {make_plane(64, 48, 1), make_plane(64, 48, 2),
                                     make_plane(64, 48, 3)};
  const std::vector<std::byte> good = encode(planes);
  Image image(64, 48);
  for (size_t size = 0; size + 2 < good.size(); size += 1 + good.size() / 300) {
    const std::vector<std::byte> bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_THROW(decode_jpeg2000(bytes, Jpeg2000Colour::kRgb, 1, image.view()), Error) << size;
  }
}

TEST(DecodeJpeg2000, AnyByteFlippedIsPixelsOrAnError) {
  const std::vector<Plane> planes = {make_plane(32, 32, 1), make_plane(32, 32, 2),
                                     make_plane(32, 32, 3)};
  const std::vector<std::byte> good = encode(planes);
  Image image(32, 32);
  Random random(4);
  int errors = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> bytes = good;
    const size_t reach = round % 2 ? bytes.size() : 120;  // the header gets half of the flips
    bytes[random.below(reach)] = static_cast<std::byte>(random.below(256));
    try {
      decode_jpeg2000(bytes, Jpeg2000Colour::kRgb, 1, image.view());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
}

}  // namespace
}  // namespace lamella::slide
