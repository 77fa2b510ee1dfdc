// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/hash.h"
#include "lamella/base/protobuf.h"
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
               {"2 outputs", "`output`", "maximum [?,2]", "average [?,2]"},
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

// tiny_bgr with the values of its first tensor (field 9 of an initializer) in another file.
struct External {
  std::string network, values;
};

External split_weights(const std::string& bytes, const std::string& location, uint64_t offset) {
  External split;
  const auto pair = [](const std::string& key, const std::string& value) {
    ProtoWriter writer;
    writer.bytes(1, key);
    writer.bytes(2, value);
    return writer.take();
  };
  const auto tensor = [&](std::string_view whole) {
    ProtoWriter writer;
    for (const ProtoField& field : read_fields(whole)) {
      if (field.number != 9) {
        writer.raw(field.encoded);
        continue;
      }
      split.values = field.bytes;
      writer.bytes(13, pair("location", location));
      writer.bytes(13, pair("offset", std::to_string(offset)));
      writer.bytes(13, pair("length", std::to_string(field.bytes.size())));
      writer.number(14, 1);
    }
    return writer.take();
  };
  ProtoWriter model;
  for (const ProtoField& field : read_fields(bytes)) {
    if (field.number != 7) {
      model.raw(field.encoded);
      continue;
    }
    ProtoWriter graph;
    for (const ProtoField& part : read_fields(field.bytes)) {
      if (part.number == 5 && split.values.empty()) {
        graph.bytes(5, tensor(part.bytes));
      } else {
        graph.raw(part.encoded);
      }
    }
    model.bytes(7, graph.text());
  }
  split.network = model.take();
  return split;
}

TEST(ImportEncoder, WeightsBesideTheNetworkAreTakenIn) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/net.onnx", data = folder.path() + "/net.data";
  const External split = split_weights(io::read_text_file(onnx("tiny_map")), "net.data", 5);
  ASSERT_FALSE(split.values.empty());
  io::write_file_atomic(path, split.network);
  io::write_file_atomic(data, "12345" + split.values + "behind");
  const EncoderInfo info = import_encoder(path, named("mine"), folder.path() + "/mine").info;
  EXPECT_NE(info.sha256, sha256_hex(split.network));
  std::filesystem::remove(data);
  std::vector<uint8_t> patch;
  for (int i = 0; i < 16; ++i) patch.insert(patch.end(), {14, 28, 54});
  const auto encoder = load_encoder(info, Precision::kF32, 1);
  EXPECT_EQ(encode_all(*encoder, patch), (std::vector<float>{15.25f, -2})) << "as in one file";
  // Other weights are another encoder.
  std::string other = split.values;
  other[1] = static_cast<char>(other[1] ^ 0x20);
  io::write_file_atomic(data, "12345" + other);
  EXPECT_NE(import_encoder(path, named("mine"), folder.path() + "/other").info.sha256, info.sha256);
}

TEST(ImportEncoder, RefusesWeightsThatAreNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/net.onnx", out = folder.path() + "/mine";
  const std::string bytes = io::read_text_file(onnx("tiny_map"));
  const auto import_from = [&](const std::string& location, uint64_t offset = 0) {
    io::write_file_atomic(path, split_weights(bytes, location, offset).network);
    import_encoder(path, named("mine"), out);
  };
  expect_error(ErrorCode::kNotFound, {"net.data"}, [&] { import_from("net.data"); });
  io::write_file_atomic(folder.path() + "/net.data", "abcd");
  expect_error(ErrorCode::kCorrupt, {"net.onnx", "'net.data'", "has 4"},
               [&] { import_from("net.data"); });
  expect_error(ErrorCode::kCorrupt, {"has 4"}, [&] { import_from("net.data", uint64_t{1} << 62); });
  for (const char* outside : {"/etc/passwd", "../net.data", "a/../../net.data", ""}) {
    expect_error(ErrorCode::kUnsupported, {"in the network's folder"},
                 [&] { import_from(outside); });
  }
  EXPECT_FALSE(io::exists(out));
  // A folder made by hand: its hash would cover the small file alone.
  const std::string there = folder.copy("tiny_map", "there");
  const External split = split_weights(bytes, "net.data", 0);
  io::write_file_atomic(there + "/network.onnx", split.network);
  EncoderInfo info = read_encoder_info(tiny_folder("tiny_map"));
  info.folder = there;
  info.sha256 = sha256_hex(split.network);
  expect_error(ErrorCode::kUnsupported, {"network.onnx", "'net.data'", "encoder import"},
               [&] { load_encoder(info, Precision::kF32, 1); });
}

TEST(ImportEncoder, MeanAndStdAreOf255) {
  const TemporaryFolder folder;
  const auto import_with = [&](std::vector<float> mean, std::vector<float> std) {
    EncoderInfo wanted = named("mine");
    wanted.mean = std::move(mean);
    wanted.std = std::move(std);
    const std::string out = folder.path() + "/mine";
    import_encoder(onnx("tiny_map"), wanted, out);
    std::filesystem::remove_all(out);
  };
  expect_error(ErrorCode::kInvalidArgument,
               {"up to 1136", "a mean of 123.675,116.28,103.53", "a std of 58.395,57.12,57.375"},
               [&] {
                 import_with({0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f});
               });
  expect_error(ErrorCode::kInvalidArgument, {"up to 254", "times 255"}, [&] {
    import_with({0.5f, 0.5f, 0.5f}, {1, 1, 1});
  });
  expect_error(ErrorCode::kInvalidArgument, {"up to 1020"}, [&] {
    import_with({0, 0, 0}, {0.25f, 0.25f, 0.25f});
  });
  import_with({0, 0, 0}, {1, 1, 1});
  import_with({0, 0, 0}, {255, 255, 255});
  import_with({103.939f, 116.779f, 123.68f}, {1, 1, 1});
  import_with({123.675f, 116.28f, 103.53f}, {58.395f, 57.12f, 57.375f});
  // The same of a folder that was written by hand.
  const std::string there = folder.copy("tiny_map", "there");
  std::string text = io::read_text_file(there + "/encoder.json");
  const size_t at = text.find("\"std\"");
  text.replace(at, text.find(']', at) - at + 1, "\"std\": [0.229, 0.224, 0.225]");
  io::write_file_atomic(there + "/encoder.json", text);
  expect_error(ErrorCode::kFormat, {"encoder.json", "0-255"}, [&] { read_encoder_info(there); });
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
