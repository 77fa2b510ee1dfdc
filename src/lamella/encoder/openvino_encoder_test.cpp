// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "lamella/base/hash.h"
#include "lamella/base/random.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/testing_internal.h"

namespace lamella::encoder {
namespace {

using Pixel = std::array<uint8_t, 3>;

// A 4 x 4 patch: `count` pixels of one colour, then the rest of another.
void add_patch(std::vector<uint8_t>& patches, Pixel one, int count, Pixel other) {
  for (int i = 0; i < 16; ++i) {
    const Pixel& pixel = i < count ? one : other;
    patches.insert(patches.end(), pixel.begin(), pixel.end());
  }
}

std::vector<uint8_t> random_patches(size_t n, size_t px, uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> bytes(n * px * px * 3);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.below(256));
  return bytes;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::unique_ptr<Encoder> load_tiny(const std::string& name, int streams = 1) {
  return load_encoder(read_encoder_info(tiny_folder(name)), Precision::kF32, streams);
}

// A pixel (r, g, b) reaches the tiny networks as ((r-10)/2, (g-20)/4, (b-30)/8) = (p, q, s); they
// compute p + 2q + 3s + 0.25 and -p + q/2 - 1.
TEST(TinyNetwork, FeaturesComputedByHand) {
  const auto encoder = load_tiny("tiny");
  std::vector<uint8_t> patches;
  add_patch(patches, {14, 28, 54}, 16, {});           // (2, 2, 3): 15.25, -2
  add_patch(patches, {18, 20, 30}, 4, {10, 36, 30});  // (4,0,0): 4.25, -5; (0,4,0): 8.25, 1
  const std::vector<float> expected = {15.25f, -2, 15.25f, -2,  // maximum, average
                                       8.25f,  1,  7.25f,  -0.5f};
  EXPECT_EQ(encode_all(*encoder, patches), expected);
  EXPECT_EQ(encoder->precision(), Precision::kF32);
  EXPECT_EQ(encoder->info().name, "tiny");
  EXPECT_GT(encoder->compile_seconds(), 0);
}

TEST(TinyNetwork, BgrReversesTheChannelsBeforeMeanAndStd) {
  const auto encoder = load_tiny("tiny_bgr");
  std::vector<uint8_t> patches;
  add_patch(patches, {54, 28, 14}, 16, {});
  EXPECT_EQ(encode_all(*encoder, patches), (std::vector<float>{15.25f, -2}));
}

TEST(TinyNetwork, AFixedBatchIsTakenAsItIs) {
  const auto encoder = load_tiny("tiny_batch_of_three", 2);
  std::vector<uint8_t> patches;
  std::vector<float> expected;
  for (int i = 0; i < 8; ++i) {
    const auto red = static_cast<uint8_t>(10 + 2 * i);
    add_patch(patches, {red, 20, 30}, 16, {});
    expected.push_back(0.25f + static_cast<float>(i));
    expected.push_back(-1.0f - static_cast<float>(i));
  }
  EXPECT_EQ(encode_all(*encoder, patches, 2), expected);
}

// Half of the pixels (4, 0, 0) -> (4.25, -5), half (0, 4, 0) -> (8.25, 1): means 6.25, -2.
TEST(TinyNetwork, MapsArePooledWhereverTheirChannelsAre) {
  std::vector<uint8_t> patches;
  add_patch(patches, {18, 20, 30}, 8, {10, 36, 30});
  for (const char* name : {"tiny_pooled_map", "tiny_last"}) {
    EXPECT_EQ(encode_all(*load_tiny(name), patches), (std::vector<float>{6.25f, -2})) << name;
  }
}

TEST(TinyNetwork, TakesPixelsAsTheyAre) {
  std::vector<uint8_t> patches;
  add_patch(patches, {200, 10, 3}, 16, {});  // 200 + 20 + 9 + 0.25; -200 + 5 - 1
  EXPECT_EQ(encode_all(*load_tiny("tiny_pixels"), patches), (std::vector<float>{229.25f, -196}));
}

// 16 tokens, the pixels; the first four stand before those of the picture's parts.
TEST(TinyNetwork, TokensAreTakenOrAveraged) {
  std::vector<uint8_t> patches;
  add_patch(patches, {14, 28, 54}, 4, {18, 20, 30});
  EXPECT_EQ(encode_all(*load_tiny("tiny_tokens"), patches),
            (std::vector<float>{15.25f, -2, 4.25f, -5, 15.25f, -2, 4.25f, -5}));
}

TEST(TinyNetwork, FeaturesOfViewsStandOneAfterAnother) {
  std::vector<uint8_t> pictures;
  std::vector<float> expected;
  for (int i = 0; i < 14; ++i) {  // seven patches
    const auto red = static_cast<uint8_t>(10 + 2 * i);
    add_patch(pictures, {red, 20, 30}, 16, {});
    expected.push_back(0.25f + static_cast<float>(i));
    expected.push_back(-1.0f - static_cast<float>(i));
  }
  const auto encoder = load_tiny("tiny_views", 2);
  std::vector<float> features(28);
  encoder->encode(pictures, 7, features, with_threads(2));
  EXPECT_EQ(features, expected);
  expect_error(ErrorCode::kInvalidArgument, {"14 x 2 x 4 x 4 x 3 bytes"},
               [&] { encoder->encode(pictures, 14, features, with_threads(1)); });
}

TEST(TinyNetwork, AnOperatorThatTheEngineLacksIsNamed) {
  expect_error(ErrorCode::kCorrupt, {"tiny_foreign", "Twist"}, [] { load_tiny("tiny_foreign"); });
}

TEST(TinyNetwork, NoPatchesAreNoFeatures) {
  EXPECT_TRUE(encode_all(*load_tiny("tiny"), {}).empty());
}

TEST(TinyNetwork, WrongSizesAreRefused) {
  const auto encoder = load_tiny("tiny");
  std::vector<uint8_t> patches(2 * 48);
  std::vector<float> features(2 * 4);
  const Context context;
  expect_error(ErrorCode::kInvalidArgument, {"96 bytes", "3 x 4 x 4 x 3"},
               [&] { encoder->encode(patches, 3, features, context); });
  expect_error(ErrorCode::kInvalidArgument, {"room for 7 features", "2 x 4 features"},
               [&] { encoder->encode(patches, 2, std::span(features).first(7), context); });
  expect_error(ErrorCode::kInvalidArgument, {"expected -1 x"},
               [&] { encoder->encode({}, -1, {}, context); });
}

TEST(TinyNetwork, AFeatureThatIsNoNumberNamesItsPatch) {
  const auto encoder = load_tiny("tiny_root", 2);
  std::vector<uint8_t> patches;
  for (int i = 0; i < 30; ++i) add_patch(patches, {10, 36, 36}, 16, {});  // roots of 10.5 and 1
  const std::vector<float> good = encode_all(*encoder, patches, 2);
  EXPECT_EQ(good[1], 1.0f);
  EXPECT_NEAR(good[0], std::sqrt(10.5f), 1e-6);
  // All red: -(255 - 10) / 2 + ... has no root.
  for (size_t i = 0; i < 16; ++i) patches[17 * 48 + 3 * i] = 255;
  expect_error(ErrorCode::kCorrupt,
               {"patch 17 (of 30, from 0)", "feature 1 of the output 'root'", "nan", "tiny_root"},
               [&] { encode_all(*encoder, patches, 2); });
  // The encoder is as good as before.
  patches.resize(17 * 48);
  EXPECT_EQ(encode_all(*encoder, patches, 2), std::vector<float>(good.begin(), good.begin() + 34));
}

TEST(TinyNetwork, CancelledCallThrows) {
  const auto encoder = load_tiny("tiny");
  Context context;
  context.cancel.request();
  std::vector<uint8_t> patches(48);
  std::vector<float> features(4);
  expect_error(ErrorCode::kInterrupted, {},
               [&] { encoder->encode(patches, 1, features, context); });
}

TEST(LoadEncoder, NetworkThatDisagreesWithItsDescription) {
  const auto load_edited = [](const char* from, const char* to, const char* name = "tiny") {
    const TemporaryFolder folder;
    const std::string copy = folder.copy(name, "e");
    edit_description(copy, from, to);
    load_encoder(read_encoder_info(copy), Precision::kF32, 1);
  };
  expect_error(ErrorCode::kMismatch, {"network.onnx", "[?,3,4,4]", "[N,3,5,5]", "input_px"},
               [&] { load_edited("\"input_px\": 4", "\"input_px\": 5"); });
  expect_error(ErrorCode::kMismatch, {"2 + 2 = 4", "expected 5", "dimension"},
               [&] { load_edited("\"dimension\": 4", "\"dimension\": 5"); });
  expect_error(ErrorCode::kMismatch, {"average, maximum", "'averages'", "did you mean 'average'"},
               [&] { load_edited("\"average\"", "\"averages\""); });
  expect_error(ErrorCode::kUnsupported, {"'map'", "[4,2,4,4]", "[4,d]", "mean_of_map"},
               [] { load_tiny("tiny_map"); });
}

TEST(LoadEncoder, TruncatedNetwork) {
  const TemporaryFolder folder;
  const std::string copy = folder.copy("tiny", "e");
  const std::string network = copy + "/network.onnx";
  for (const size_t size : {0u, 1u, 100u, 200u, 300u}) {
    const std::string bytes = io::read_text_file(tiny_folder("tiny") + "/network.onnx");
    io::write_file_atomic(network, bytes.substr(0, size));
    expect_error(ErrorCode::kMismatch, {"sha256"}, [&] { read_encoder_info(copy); });
    EncoderInfo info = read_encoder_info(tiny_folder("tiny"));
    info.folder = copy;
    expect_error(ErrorCode::kMismatch, {"sha256"}, [&] { load_encoder(info, Precision::kF32, 1); });
    info.sha256 = sha256_hex(bytes.substr(0, size));
    expect_error(ErrorCode::kCorrupt, {network, "ONNX"},
                 [&] { load_encoder(info, Precision::kF32, 1); });
  }
}

TEST(LoadEncoder, StreamsInRange) {
  for (const int streams : {0, -1, 100000}) {
    expect_error(ErrorCode::kInvalidArgument, {"streams"}, [&] { load_tiny("tiny", streams); });
  }
}

class Lite0 : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(LAMELLA_SOURCE_DIR) + "/encoders/lite0";
    if (!io::exists(folder_ + "/encoder.json")) {
      GTEST_SKIP() << "no encoders/lite0; tools/assets/make_lite0.py writes it";
    }
  }

  std::unique_ptr<Encoder> load(Precision precision, int streams) const {
    return load_encoder(read_encoder_info(folder_), precision, streams);
  }

  // The picture whose features tools/assets/lite0_reference.py was asked for.
  static std::vector<uint8_t> known_patch() {
    std::vector<uint8_t> patch;
    for (int y = 0; y < 224; ++y) {
      for (int x = 0; x < 224; ++x) {
        for (int c = 0; c < 3; ++c) {
          patch.push_back(static_cast<uint8_t>((x * 7 + y * 13 + c * 50 + x * y / 16) % 256));
        }
      }
    }
    return patch;
  }

  std::string folder_;
};

TEST_F(Lite0, FeaturesOfTheNumpyReference) {
  const auto encoder = load(Precision::kF32, 1);
  const std::vector<float> features = encode_all(*encoder, known_patch());
  ASSERT_EQ(features.size(), 424u);
  // The first and last of each block's averages.
  const std::vector<std::pair<size_t, double>> expected = {
      {0, 3.264513},   {39, -1.815375},  {40, -4.874356}, {119, -6.204753},
      {120, 7.707625}, {231, -2.931931}, {232, 1.015752}, {423, -7.660580}};
  for (const auto& [column, value] : expected) EXPECT_NEAR(features[column], value, 2e-3);
  double squares = 0;
  for (const float value : features) squares += double{value} * double{value};
  EXPECT_NEAR(std::sqrt(squares), 135.84539, 5e-3);
}

TEST_F(Lite0, SameBitsForAnyStreamsSplitAndOrder) {
  constexpr size_t kCount = 33, kBytes = 224 * 224 * 3, kColumns = 424;
  const std::vector<uint8_t> patches = random_patches(kCount, 224, 5);
  const auto one = load(Precision::kF32, 1);
  const std::vector<float> expected = encode_all(*one, patches);

  for (const int streams : {2, 3}) {
    const auto encoder = load(Precision::kF32, streams);
    EXPECT_TRUE(same_bits(encode_all(*encoder, patches, streams), expected)) << streams;
    EXPECT_TRUE(same_bits(encode_all(*encoder, patches, 1), expected)) << streams;
  }
  for (const size_t piece : {1u, 7u}) {
    std::vector<float> found;
    for (size_t first = 0; first < kCount; first += piece) {
      const size_t last = std::min(first + piece, kCount);
      const auto at = [&](size_t i) {
        return patches.begin() + static_cast<ptrdiff_t>(i * kBytes);
      };
      const std::vector<float> part = encode_all(*one, {at(first), at(last)});
      found.insert(found.end(), part.begin(), part.end());
    }
    EXPECT_TRUE(same_bits(found, expected)) << piece;
  }
  std::vector<uint8_t> reversed;
  for (size_t i = kCount; i-- > 0;) {
    const auto from = patches.begin() + static_cast<ptrdiff_t>(i * kBytes);
    reversed.insert(reversed.end(), from, from + kBytes);
  }
  const std::vector<float> found = encode_all(*one, reversed);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(0, std::memcmp(&found[(kCount - 1 - i) * kColumns], &expected[i * kColumns],
                             kColumns * sizeof(float)))
        << i;
  }
}

TEST_F(Lite0, Bf16IsCloseToF32) {
  if (!processor_has_bf16()) GTEST_SKIP() << "the processor has no bf16 arithmetic";
  std::vector<uint8_t> patches = known_patch();
  std::vector<uint8_t> mirrored(patches.rbegin(), patches.rend());
  patches.insert(patches.end(), mirrored.begin(), mirrored.end());
  const std::vector<float> exact = encode_all(*load(Precision::kF32, 1), patches);
  const auto encoder = load(Precision::kBf16, 1);
  EXPECT_EQ(encoder->precision(), Precision::kBf16);
  const std::vector<float> close = encode_all(*encoder, patches);
  EXPECT_FALSE(same_bits(exact, close));
  EXPECT_TRUE(same_bits(encode_all(*load(Precision::kBf16, 2), patches, 2), close));
  for (size_t i = 0; i < 2; ++i) {
    double dot = 0, one = 0, two = 0;
    for (size_t j = i * 424; j < (i + 1) * 424; ++j) {
      dot += double{exact[j]} * double{close[j]};
      one += double{exact[j]} * double{exact[j]};
      two += double{close[j]} * double{close[j]};
    }
    EXPECT_GT(dot / std::sqrt(one * two), 0.999);
  }
}

}  // namespace
}  // namespace lamella::encoder
