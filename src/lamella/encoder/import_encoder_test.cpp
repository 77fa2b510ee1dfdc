// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/encoder/encoder.h"
#include "lamella/encoder/testing_internal.h"

namespace lamella::encoder {
namespace {

std::string onnx(const std::string& name) { return tiny_folder(name) + "/network.onnx"; }

EncoderInfo named(const std::string& name) {
  EncoderInfo info;
  info.name = name;
  info.source = "a test";
  info.licence = "none";
  info.colour_order = "rgb";
  info.mean = {10, 20, 30};
  info.std = {2, 4, 8};
  return info;
}

TEST(ImportEncoder, FindsOutWhatIsLeftOpen) {
  const TemporaryFolder folder;
  const EncoderInfo info =
      import_encoder(onnx("tiny_map"), named("mine"), folder.path() + "/mine").info;
  EXPECT_EQ(info.input_px, 4);
  EXPECT_EQ(info.outputs, (std::vector<OutputInfo>{{"map", Pooling::kMeanOfMap}}));
  EXPECT_EQ(info.dimension, 2);
  EXPECT_EQ(info.sha256, read_encoder_info(tiny_folder("tiny_map")).sha256);
  const auto encoder = load_encoder(info, Precision::kF32, 1);
  std::vector<uint8_t> patch;
  for (int i = 0; i < 16; ++i) patch.insert(patch.end(), {14, 28, 54});
  EXPECT_EQ(encode_all(*encoder, patch), (std::vector<float>{15.25f, -2}));
}

TEST(ImportEncoder, KeepsEveryChoice) {
  const TemporaryFolder folder;
  EncoderInfo wanted = named("mine");
  wanted.outputs = {{"tokens", Pooling::kClassTokenAndMean}, {"tokens", Pooling::kClassToken}};
  wanted.prefix_tokens = 3;
  wanted.views = {1, 2.5};
  wanted.recommended_mpp = 0.5;
  wanted.colour_order = "bgr";
  wanted.quality = {{"cosine_least", 0.5}};
  const EncoderInfo info =
      import_encoder(onnx("tiny_tokens"), wanted, folder.path() + "/mine").info;
  EXPECT_EQ(info.dimension, 2 * (2 + 2 + 2));
  EXPECT_EQ(info.outputs, wanted.outputs);
  EXPECT_EQ(info.prefix_tokens, 3);
  EXPECT_EQ(info.views, wanted.views);
  EXPECT_EQ(info.recommended_mpp, 0.5);
  EXPECT_EQ(info.colour_order, "bgr");
  EXPECT_EQ(info.quality, wanted.quality);
  EXPECT_FALSE(info.int8);
}

TEST(ImportEncoder, RefusesWhatItCannotKnow) {
  const TemporaryFolder folder;
  const std::string out = folder.path() + "/mine";
  expect_error(ErrorCode::kInvalidArgument,
               {"2 outputs", "--output", "maximum [?,2]", "average [?,2]"},
               [&] { import_encoder(onnx("tiny"), named("mine"), out); });
  expect_error(ErrorCode::kInvalidArgument, {"[?,16,2]", "class_token", "mean_of_tokens"},
               [&] { import_encoder(onnx("tiny_tokens"), named("mine"), out); });
  EncoderInfo wrong = named("mine");
  wrong.outputs = {{"avrage"}};
  expect_error(ErrorCode::kMismatch, {"tiny_bgr/network.onnx", "did you mean 'average'"},
               [&] { import_encoder(onnx("tiny_bgr"), wrong, out); });
  expect_error(ErrorCode::kCorrupt, {"Twist"},
               [&] { import_encoder(onnx("tiny_foreign"), named("mine"), out); });
  expect_error(ErrorCode::kMismatch, {"input u8", "mean of 0"},
               [&] { import_encoder(onnx("tiny_pixels"), named("mine"), out); });
  expect_error(ErrorCode::kNotFound, {"absent.onnx"},
               [&] { import_encoder("absent.onnx", named("mine"), out); });
  EXPECT_FALSE(io::exists(out));
  EncoderInfo hostile = named("../up");
  expect_error(ErrorCode::kFormat, {"'name'"},
               [&] { import_encoder(onnx("tiny_bgr"), hostile, out); });
  EXPECT_FALSE(io::exists(out)) << "nothing half written stays";
}

TEST(ImportEncoder, LeavesWhatIsThereAlone) {
  const TemporaryFolder folder;
  const std::string there = folder.copy("tiny", "there");
  const std::string before = io::read_text_file(there + "/encoder.json");
  expect_error(ErrorCode::kInvalidArgument, {there, "exists"},
               [&] { import_encoder(onnx("tiny_bgr"), named("mine"), there); });
  EXPECT_EQ(io::read_text_file(there + "/encoder.json"), before);
}

TEST(ImportEncoder, TruncatedFilesAreNamed) {
  const TemporaryFolder folder;
  const std::string bytes = io::read_text_file(onnx("tiny_bgr"));
  const std::string cut = folder.path() + "/cut.onnx";
  for (const size_t size : {size_t{0}, bytes.size() / 3, bytes.size() - 20}) {
    io::write_file_atomic(cut, bytes.substr(0, size));
    expect_error(ErrorCode::kCorrupt, {"cut.onnx"},
                 [&] { import_encoder(cut, named("mine"), folder.path() + "/mine"); });
  }
}

TEST(LeastCosine, ByHand) {
  const std::vector<float> a = {1, 0, 3, 4, 0, 0}, b = {2, 0, 4, 3, 0, 0};
  EXPECT_DOUBLE_EQ(least_cosine(a, b, 2), 24.0 / 25);
  EXPECT_DOUBLE_EQ(least_cosine(a, a, 2), 1);
  EXPECT_DOUBLE_EQ(least_cosine(a, std::vector<float>{1, 0, 3, 4, 1, 0}, 2), 0);
}

TEST(CheckEncoder, SaysWhatItFound) {
  const EncoderCheck check =
      check_encoder(read_encoder_info(tiny_folder("tiny_views")), Precision::kF32, with_threads(2));
  EXPECT_EQ(check.precision, Precision::kF32);
  EXPECT_TRUE(check.same_bits);
  EXPECT_GT(check.spread, 0);
  EXPECT_GT(check.patches_per_second, 0);
  EXPECT_EQ(check.cosine_to_f32, 1);
  expect_error(ErrorCode::kCorrupt, {"'root'"}, [] {
    check_encoder(read_encoder_info(tiny_folder("tiny_root")), Precision::kF32, with_threads(1));
  });
}

}  // namespace
}  // namespace lamella::encoder
