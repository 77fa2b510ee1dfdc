// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "lamella/encoder/encoder.h"
#include "lamella/encoder/testing_internal.h"

namespace lamella::encoder {
namespace {

// Sets an environment variable for the length of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(EncoderInfo, ReadsEveryKey) {
  const EncoderInfo info = read_encoder_info(tiny_folder("tiny"));
  EXPECT_EQ(info.name, "tiny");
  EXPECT_EQ(info.folder, tiny_folder("tiny"));
  EXPECT_EQ(info.source, "made by hand");
  EXPECT_EQ(info.licence, "Apache-2.0");
  EXPECT_EQ(info.sha256.size(), 64u);
  EXPECT_EQ(info.input_px, 4);
  EXPECT_EQ(info.colour_order, "rgb");
  EXPECT_EQ(info.mean, (std::vector<float>{10, 20, 30}));
  EXPECT_EQ(info.std, (std::vector<float>{2, 4, 8}));
  EXPECT_EQ(info.outputs, (std::vector<OutputInfo>{{"maximum"}, {"average"}}));
  EXPECT_EQ(info.dimension, 4);
  EXPECT_FALSE(info.recommended_mpp);
  EXPECT_EQ(read_encoder_info(tiny_folder("tiny_bgr")).recommended_mpp, 0.5);
}

TEST(EncoderInfo, ReadsPoolingAndViews) {
  const EncoderInfo info = read_encoder_info(tiny_folder("tiny_tokens"));
  EXPECT_EQ(info.outputs, (std::vector<OutputInfo>{{"tokens", Pooling::kClassToken},
                                                   {"tokens", Pooling::kMeanOfTokens},
                                                   {"tokens", Pooling::kClassTokenAndMean}}));
  EXPECT_EQ(info.prefix_tokens, 4);
  EXPECT_EQ(info.views, std::vector<double>{1});
  EXPECT_EQ(read_encoder_info(tiny_folder("tiny_views")).views, (std::vector<double>{1, 2}));
}

TEST(EncoderInfo, MissingFilesAreNotFound) {
  const TemporaryFolder folder;
  const std::string copy = folder.copy("tiny", "e");
  std::filesystem::remove(copy + "/network.onnx");
  expect_error(ErrorCode::kNotFound, {copy + "/network.onnx"}, [&] { read_encoder_info(copy); });
  expect_error(ErrorCode::kNotFound, {"nowhere/encoder.json"},
               [&] { read_encoder_info(folder.path() + "/nowhere"); });
}

TEST(EncoderInfo, AnotherNetworkIsAMismatch) {
  const TemporaryFolder folder;
  const std::string copy = folder.copy("tiny", "e");
  const std::string network = copy + "/network.onnx";
  std::string bytes = io::read_text_file(network);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  io::write_file_atomic(network, bytes);
  expect_error(ErrorCode::kMismatch, {network, "sha256", "93de923cfd40"},
               [&] { read_encoder_info(copy); });
}

struct BadDescription {
  const char* from;
  const char* to;
  std::vector<std::string> words;
};

class BadDescriptions : public ::testing::TestWithParam<BadDescription> {};

TEST_P(BadDescriptions, NameTheKeyAndWhatWasFound) {
  const TemporaryFolder folder;
  const std::string copy = folder.copy("tiny", "e");
  edit_description(copy, GetParam().from, GetParam().to);
  std::vector<std::string> words = GetParam().words;
  words.push_back(copy + "/encoder.json");
  expect_error(ErrorCode::kFormat, words, [&] { read_encoder_info(copy); });
}

INSTANTIATE_TEST_SUITE_P(
    EncoderInfo, BadDescriptions,
    ::testing::Values(
        BadDescription{"\"licence\": \"Apache-2.0\",", "", {"no key 'licence'", "text"}},
        BadDescription{"\"mean\"", "\"maen\"", {"unknown key 'maen'", "did you mean 'mean'"}},
        BadDescription{"\"name\": \"tiny\"", "\"name\": 7", {"'name'", "found 7", "text"}},
        BadDescription{"\"tiny\"", "\"a/b\"", {"'name'", "a/b", "letters"}},
        BadDescription{"\"tiny\"", "\"\"", {"'name'", "letters"}},
        BadDescription{"\"93de", "\"zzzz", {"'sha256'", "64 hexadecimal"}},
        BadDescription{
            "\"input_px\": 4", "\"input_px\": 0", {"'input_px'", "found 0", "1 to 4096"}},
        BadDescription{"\"input_px\": 4", "\"input_px\": 4.5", {"'input_px'", "found 4.5"}},
        BadDescription{
            "\"input_px\": 4", "\"input_px\": 99999999999999999999", {"'input_px'", "1 to 4096"}},
        BadDescription{"\"rgb\"", "\"gbr\"", {"'colour_order'", "gbr", "\"bgr\""}},
        BadDescription{"    10,\n", "", {"'mean'", "[20,30]", "3 numbers"}},
        BadDescription{"    10,\n", "\"10\",", {"'mean'", "3 numbers"}},
        BadDescription{"    2,\n", "0,", {"'std'", "[0,4,8]", "positive"}},
        BadDescription{"    2,\n", "1e99,", {"'std'", "positive"}},
        BadDescription{"\"maximum\"", "\"average\"", {"'outputs'", "different"}},
        BadDescription{"\"dimension\": 4", "\"dimension\": -4", {"'dimension'", "-4"}},
        BadDescription{"\"dimension\": 4",
                       "\"dimension\": 4, \"recommended_mpp\": 0",
                       {"'recommended_mpp'", "null or"}},
        BadDescription{"\"maximum\"",
                       "{\"name\": \"maximum\", \"pooling\": \"sum\"}",
                       {"'outputs'", "sum", "mean_of_tokens"}},
        BadDescription{"\"maximum\"", "{\"name\": \"maximum\"}", {"'outputs'"}},
        BadDescription{"\"dimension\": 4",
                       "\"dimension\": 4, \"views\": [1, 0]",
                       {"'views'", "[1,0]", "0.125 to 16"}},
        BadDescription{"\"dimension\": 4", "\"dimension\": 4, \"views\": []", {"'views'"}},
        BadDescription{"\"dimension\": 4",
                       "\"dimension\": 4, \"prefix_tokens\": -1",
                       {"'prefix_tokens'", "0 to 1024"}},
        BadDescription{"\"dimension\": 4",
                       "\"dimension\": 4, \"weights\": \"int4\"",
                       {"'weights'", "int4", "int8"}},
        BadDescription{"\"dimension\": 4", "\"dimension\": ", {"not valid JSON", "line 2"}}));

TEST(EncoderInfo, DescriptionMustBeAnObject) {
  const TemporaryFolder folder;
  const std::string copy = folder.copy("tiny", "e");
  io::write_file_atomic(copy + "/encoder.json", "[1]");
  expect_error(ErrorCode::kFormat, {"found array"}, [&] { read_encoder_info(copy); });
}

TEST(FindEncoder, ByFolderAndByName) {
  const TemporaryFolder folder;
  folder.copy("tiny", "one");
  folder.copy("tiny_bgr", "two");
  const Environment environment("LAMELLA_ENCODERS", folder.path() + "/absent:" + folder.path());
  EXPECT_EQ(find_encoder(tiny_folder("tiny")).name, "tiny");
  EXPECT_EQ(find_encoder("two").name, "tiny_bgr");
  EXPECT_EQ(find_encoder("tiny_bgr").folder, folder.path() + "/two");
  expect_error(ErrorCode::kNotFound,
               {"found no encoder 'tow'", "did you mean 'two'", "one", folder.path() + "/absent"},
               [] { find_encoder("tow"); });
}

TEST(FindEncoder, ADamagedOneIsInNobodysWayButListed) {
  const TemporaryFolder folder;
  const std::string damaged = folder.copy("tiny", "a");
  folder.copy("tiny_bgr", "b");
  io::write_file_atomic(damaged + "/encoder.json", "{");
  const Environment environment("LAMELLA_ENCODERS", folder.path());
  EXPECT_EQ(find_encoder("b").name, "tiny_bgr");
  expect_error(ErrorCode::kFormat, {damaged}, [] { list_encoders(); });
}

TEST(FindEncoder, AFolderThatIsFoundTwiceIsListedOnce) {
  const TemporaryFolder folder;
  folder.copy("tiny", "one");
  std::filesystem::create_directory_symlink(folder.path(), folder.path() + "_again");
  const Environment environment("LAMELLA_ENCODERS", folder.path() + ":" + folder.path() + "_again");
  const std::vector<EncoderInfo> infos = list_encoders();
  std::filesystem::remove(folder.path() + "_again");
  EXPECT_EQ(1, std::count_if(infos.begin(), infos.end(),
                             [](const EncoderInfo& info) { return info.name == "tiny"; }));
}

TEST(FindEncoder, ListsInOrder) {
  const TemporaryFolder folder;
  folder.copy("tiny", "z");
  folder.copy("tiny_bgr", "b");
  const Environment environment("LAMELLA_ENCODERS", folder.path());
  const std::vector<EncoderInfo> infos = list_encoders();
  ASSERT_GE(infos.size(), 2u);
  EXPECT_EQ(infos[0].name, "tiny_bgr");
  EXPECT_EQ(infos[1].name, "tiny");
}

TEST(FindEncoder, SearchPathHasEachPlaceOnce) {
  const Environment environment("LAMELLA_ENCODERS", "one::two:one:./encoders");
  const std::vector<std::string> places = encoder_search_path();
  ASSERT_EQ(places.size(), 6u);
  EXPECT_EQ(places[0], "one");
  EXPECT_EQ(places[1], "two");
  EXPECT_EQ(places[2], "encoders");
  EXPECT_TRUE(places[3].ends_with("/encoders")) << places[3];
  EXPECT_TRUE(places[4].ends_with("/share/lamella/encoders")) << places[4];
  EXPECT_TRUE(places[5].ends_with("/share/lamella/encoders")) << places[5];
}

TEST(FeatureSpace, TellsEverythingThatGivesTheNumbersTheirMeaning) {
  EncoderInfo info;
  info.name = "net";
  info.sha256 = "abc";
  info.input_px = 224;
  info.colour_order = "rgb";
  info.mean = {123.675f, 116.28f, 127};
  info.std = {58.5f, 57, 128};
  patch::PatchPlan plan;
  plan.geometry.size_px = 50;
  plan.geometry.level = 2;
  EXPECT_EQ(feature_space(info, plan),
            "net/abc/rgb-224px-scaled-first-mean123.675,116.28,127-std58.5,57,128/50px@level2");
  plan.geometry.effective_mpp = 0.499;
  EXPECT_EQ(feature_space(info, plan),
            "net/abc/rgb-224px-scaled-first-mean123.675,116.28,127-std58.5,57,128/50px@0.4990mpp");
  info.outputs = {{"early"}, {"tokens", Pooling::kMeanOfTokens}};
  info.views = {1, 2.5};
  EXPECT_EQ(
      network_space(info),
      "net/abc/"
      "rgb-224px-scaled-first-mean123.675,116.28,127-std58.5,57,128-early-tokens:mean_of_tokens"
      "-prefix1-views1,2.5");
}

TEST(Precision, NamesBothWays) {
  for (const Precision precision :
       {Precision::kAuto, Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    EXPECT_EQ(parse_precision(std::string(to_string(precision))), precision);
  }
  EXPECT_EQ(to_string(Precision::kBf16), "bf16");
  expect_error(ErrorCode::kInvalidArgument, {"'f16'", "auto, f32, bf16, int8"},
               [] { parse_precision("f16"); });
}

TEST(Precision, ResolvesToWhatIsRun) {
  EXPECT_EQ(resolve_precision(Precision::kF32, {}), Precision::kF32);
  EXPECT_NE(resolve_precision(Precision::kAuto, {}), Precision::kAuto);
  if (processor_has_bf16()) {
    EXPECT_EQ(resolve_precision(Precision::kBf16, {}), Precision::kBf16);
  } else {
    EXPECT_EQ(resolve_precision(Precision::kAuto, {}), Precision::kF32);
    expect_error(ErrorCode::kUnsupported, {"bf16", "use precision f32"},
                 [] { resolve_precision(Precision::kBf16, {}); });
  }
}

TEST(Precision, Int8IsAMatterOfTheNetwork) {
  EncoderInfo info;
  info.name = "net";
  expect_error(ErrorCode::kInvalidArgument, {"'net'", "encoder quantize"},
               [&] { resolve_precision(Precision::kInt8, info); });
  info.int8 = true;
  EXPECT_EQ(resolve_precision(Precision::kAuto, info), Precision::kInt8);
  EXPECT_EQ(resolve_precision(Precision::kInt8, info), Precision::kInt8);
  for (const Precision other : {Precision::kF32, Precision::kBf16}) {
    expect_error(ErrorCode::kInvalidArgument, {"'net'", "int8", "precision auto"},
                 [&] { resolve_precision(other, info); });
  }
}

TEST(Precision, EngineSaysItsVersion) {
  EXPECT_TRUE(inference_engine_version().starts_with("openvino 20")) << inference_engine_version();
}

}  // namespace
}  // namespace lamella::encoder
