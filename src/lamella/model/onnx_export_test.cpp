// SPDX-License-Identifier: Apache-2.0
#include "lamella/model/onnx_export.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/protobuf.h"
#include "lamella/io/files.h"

namespace lamella::model {
namespace {

TEST(Protobuf, ReadsWhatItWrites) {
  ProtoWriter writer;
  writer.number(1, 300);
  writer.bytes(16, "text");
  writer.raw(
      std::string("\x1d"
                  "abcd"));  // field 3, four bytes
  const std::string text = writer.text();
  EXPECT_EQ(text.substr(0, 3), "\x08\xac\x02");
  const auto fields = read_fields(text);
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].value, 300u);
  EXPECT_EQ(fields[1].number, 16);
  EXPECT_EQ(fields[1].bytes, "text");
  EXPECT_EQ(fields[2].number, 3);
  EXPECT_EQ(fields[2].encoded,
            "\x1d"
            "abcd");
}

TEST(Protobuf, RefusesWhatEndsTooSoon) {
  const std::string no_end(12, '\xff');
  for (const std::string& wrong : {std::string("\x0a\x05"
                                               "abc"),
                                   std::string("\x08"), no_end, std::string("\x0b"),
                                   std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")}) {
    EXPECT_THROW(read_fields(wrong), Error);
  }
}

class OnnxExport : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/lamella_onnx_XXXXXX";
    model_.encoder.folder = ::mkdtemp(pattern.data());
    model_.encoder.input_px = 224;
    model_.encoder.dimension = 2;
    model_.spec.size_px = 50;
    model_.classifier.classes = {{"a", "b"}};
    model_.classifier.weights = model_.classifier.mean = model_.classifier.scale = {1, 2};
    model_.classifier.biases = {0};
  }
  void TearDown() override { std::filesystem::remove_all(model_.encoder.folder); }
  ErrorCode code_for(const std::string& network) const {
    io::write_file_atomic(model_.encoder.folder + "/network.onnx", network);
    try {
      export_onnx(model_);
    } catch (const Error& error) {
      EXPECT_EQ(error.path(), model_.encoder.folder + "/network.onnx");
      return error.code();
    }
    return ErrorCode::kInternal;
  }
  Model model_;
};

TEST_F(OnnxExport, RefusesFilesThatAreNoNetwork) {
  EXPECT_EQ(code_for(""), ErrorCode::kCorrupt);
  EXPECT_EQ(code_for("no network at all"), ErrorCode::kCorrupt);
  EXPECT_EQ(code_for("\x08\x08"), ErrorCode::kCorrupt);  // a version and no graph
}

TEST_F(OnnxExport, SaysWhyAModelIsNoSingleNetwork) {
  EXPECT_FALSE(why_not_exported(model_));
  model_.classifier.mean.push_back(3);
  ASSERT_TRUE(why_not_exported(model_));
  EXPECT_NE(why_not_exported(model_)->find("takes 3 numbers"), std::string::npos);
  EXPECT_THROW(export_onnx(model_), Error);

  model_.classifier.mean.pop_back();
  model_.encoder.views = {1, 2};
  EXPECT_NE(why_not_exported(model_).value_or("").find("sees more"), std::string::npos);
  model_.encoder.views = {1};
  model_.encoder.outputs = {{"map", encoder::Pooling::kMeanOfMap}};
  EXPECT_NE(why_not_exported(model_).value_or("").find("'map'"), std::string::npos);
}

TEST_F(OnnxExport, OnlyNetworksWithFloatPlanes) {
  const std::string encoders = std::string(LAMELLA_SOURCE_DIR) + "/testdata/encoders/";
  for (const auto& [name, good] :
       {std::pair{"tiny_bgr", true}, {"tiny_pixels", false}, {"tiny_last", false}}) {
    std::filesystem::copy_file(encoders + name + "/network.onnx",
                               model_.encoder.folder + "/network.onnx",
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_EQ(why_not_exported(model_).has_value(), !good) << name;
  }
}

TEST_F(OnnxExport, TakesThePatchThatTheEncoderEnlarges) {
  EXPECT_EQ(exported_px(model_), 50);
  model_.spec.size_px = 512;
  EXPECT_EQ(exported_px(model_), 224);
}

}  // namespace
}  // namespace lamella::model
