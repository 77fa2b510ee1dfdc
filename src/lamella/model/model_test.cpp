// SPDX-License-Identifier: Apache-2.0
#include "lamella/model/model.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "lamella/base/error.h"
#include "lamella/base/hash.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::model {
namespace {

namespace fs = std::filesystem;

class Models : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string network = "not a real network, but it has a hash";
    io::write_file_atomic(at("enc/network.onnx"), network);
    io::write_file_atomic(at("enc/encoder.json"), nlohmann::json{{"name", "tiny"},
                                                                 {"source", "test"},
                                                                 {"licence", "none"},
                                                                 {"sha256", sha256_hex(network)},
                                                                 {"input_px", 8},
                                                                 {"colour_order", "rgb"},
                                                                 {"mean", {0, 0, 0}},
                                                                 {"std", {1, 1, 1}},
                                                                 {"outputs", {"out"}},
                                                                 {"dimension", 2}}
                                                      .dump());
    model_.name = "m";
    model_.encoder = encoder::read_encoder_info(at("enc"));
    model_.spec.size_px = 8;
    model_.spec.level = 0;
    model_.effective_mpp = 4.0;
    model_.precision = encoder::Precision::kF32;
    model_.classifier.classes = {{"normal", "tumor"}};
    model_.classifier.weights = {1.0 / 3, -2};
    model_.classifier.mean = {0.1, 1e-17};
    model_.classifier.scale = {1, 3};
    model_.classifier.biases = {0.7};
    model_.classifier.feature_space = "tiny/x/8px@4mpp";
    model_.classifier.lambda = 0.01;
    model_.trials = {{0.1, 0.5}, {0.01, 0.4}};
  }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }

  template <typename Call>
  static std::string message_of(ErrorCode code, const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
  Model model_;
};

TEST_F(Models, ComeBackBitForBit) {
  write_model(model_, at("model"));
  fs::remove_all(at("enc"));  // the folder is self-contained
  const Model back = read_model(at("model"));
  EXPECT_EQ(back.classifier.weights, model_.classifier.weights);
  EXPECT_EQ(back.classifier.mean, model_.classifier.mean);
  EXPECT_EQ(back.classifier.scale, model_.classifier.scale);
  EXPECT_EQ(back.classifier.biases, model_.classifier.biases);
  EXPECT_EQ(back.classifier.classes, model_.classifier.classes);
  EXPECT_EQ(back.classifier.feature_space, model_.classifier.feature_space);
  EXPECT_EQ(back.effective_mpp, 4.0);
  EXPECT_EQ(back.spec.level, 0);
  EXPECT_FALSE(back.spec.mpp);
  EXPECT_EQ(back.trials.size(), 2u);
  EXPECT_EQ(back.encoder.sha256, model_.encoder.sha256);
  EXPECT_EQ(back.encoder.folder, at("model") + "/encoder");
}

TEST_F(Models, OfManyClassesComeBackBitForBit) {
  model_.classifier.classes = {{"a", "b", "c"}};
  model_.classifier.weights = {1.0 / 3, -2, 0.1, 1e-300, 5, 6};
  model_.classifier.biases = {0.7, -0.1, 1.0 / 7};
  write_model(model_, at("model"));
  const Model back = read_model(at("model"));
  EXPECT_EQ(back.classifier.weights, model_.classifier.weights);
  EXPECT_EQ(back.classifier.biases, model_.classifier.biases);
  EXPECT_EQ(back.classifier.classes, model_.classifier.classes);
  model_.classifier.biases.pop_back();
  EXPECT_THROW(write_model(model_, at("model")), Error);
}

TEST_F(Models, ReplaceAnOldOneWholly) {
  write_model(model_, at("model"));
  model_.classifier.biases = {0.8};
  write_model(model_, at("model"));
  EXPECT_EQ(read_model(at("model")).classifier.biases, std::vector<double>{0.8});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
}

TEST_F(Models, AreThereWhileTheyAreReplaced) {
  for (const char* name : {"one", "other"}) fs::create_directories(at(name));
  if (::renameat2(AT_FDCWD, at("one").c_str(), AT_FDCWD, at("other").c_str(), RENAME_EXCHANGE)) {
    GTEST_SKIP() << "this file system cannot exchange two names";
  }
  write_model(model_, at("model"));
  std::atomic<bool> ended{false};
  int64_t looked = 0, missing = 0;
  std::thread looker([&] {
    for (; !ended; ++looked) missing += !io::exists(at("model") + "/model.json");
  });
  for (int i = 0; i < 30; ++i) write_model(model_, at("model"));
  ended = true;
  looker.join();
  EXPECT_GT(looked, 0);
  EXPECT_EQ(missing, 0) << "of " << looked;
}

TEST_F(Models, AreNotWrittenOverSomethingElse) {
  io::write_file_atomic(at("precious/thesis.txt"), "x");
  EXPECT_THROW(write_model(model_, at("precious")), Error);
  EXPECT_TRUE(io::exists(at("precious/thesis.txt")));
}

TEST_F(Models, AreCheckedWhenRead) {
  message_of(ErrorCode::kNotFound, [&] { read_model(at("nothing")); });
  const auto edited = [&](const auto& edit) {
    write_model(model_, at("model"));
    auto json = nlohmann::json::parse(io::read_text_file(at("model/model.json")));
    edit(json);
    io::write_file_atomic(at("model/model.json"), json.dump());
  };
  edited([](auto& json) { json["classifier"]["scale"] = {1, 0}; });
  message_of(ErrorCode::kCorrupt, [&] { read_model(at("model")); });
  edited([](auto& json) { json["classifier"]["weights"] = {{1}}; });
  message_of(ErrorCode::kCorrupt, [&] { read_model(at("model")); });
  edited([](auto& json) { json["classifier"].erase("biases"); });
  message_of(ErrorCode::kCorrupt, [&] { read_model(at("model")); });
  edited([](auto& json) { json["classes"] = {"a", "b", "c"}; });
  message_of(ErrorCode::kCorrupt, [&] { read_model(at("model")); });
  edited([](auto& json) { json["classes"] = {"a", "a"}; });
  message_of(ErrorCode::kCorrupt, [&] { read_model(at("model")); });
  edited([](auto& json) { json["format"] = 99; });
  message_of(ErrorCode::kUnsupported, [&] { read_model(at("model")); });
  edited([](auto& json) { json["format"] = 1; });
  EXPECT_NE(
      message_of(ErrorCode::kUnsupported, [&] { read_model(at("model")); }).find("train it again"),
      std::string::npos);
  edited([](auto& json) { json["encoder"]["sha256"] = "other"; });
  message_of(ErrorCode::kMismatch, [&] { read_model(at("model")); });
}

}  // namespace
}  // namespace lamella::model
