// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/train_files.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::verbs {
namespace {

class TrainFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    io::write_file_atomic(path, text);
    return path;
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

TEST_F(TrainFiles, ReadsGroupsAndPenalty) {
  const auto groups = read_groups(write("g.csv", "slide_id,patient_id\nA,p1\nb,p2\n"));
  EXPECT_EQ(groups, (std::map<std::string, std::string>{{"a", "p1"}, {"b", "p2"}}));
  EXPECT_EQ(read_groups(write("g4.csv", "grade;patient_id;slide_id\n2;p1;A\n3;p2;b\n;;\n")),
            groups);
  EXPECT_EQ(read_groups(write("g5.csv", "A\tp1\nb\tp2\n")), groups);
  EXPECT_THROW(read_groups(write("g6.csv", "A,p1\nb,\n")), Error);
  EXPECT_THROW(read_groups(write("g2.csv", "a\n")), Error);
  EXPECT_THROW(read_groups(write("g3.csv", "a,p\nA,q\n")), Error);
  EXPECT_FALSE(parse_l2("cv"));
  EXPECT_EQ(parse_l2("0.1"), 0.1);
  EXPECT_THROW(parse_l2("auto"), Error);
}

storage::FeatureFile features_of(const std::string& id, const std::string& fingerprint,
                                 const std::vector<int64_t>& xs) {
  storage::FeatureFile file;
  file.plan.slide_id = id;
  file.plan.slide_path = fingerprint + ".tif";
  file.plan.slide_fingerprint = fingerprint;
  for (const int64_t x : xs) file.plan.rows.push_back({.x_px = x, .y_px = 7});
  return file;
}

TEST(DistinctSlides, NothingTrainsTwice) {
  std::vector<std::string> warnings;
  Context context;
  context.warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto message = [&](const std::vector<storage::FeatureFile>& files) -> std::string {
    try {
      require_distinct_slides(files, {"f0.h5", "f1.h5"}, context);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMismatch);
      return error.what();
    }
    return "";
  };
  const auto a = features_of("a", "one", {0, 10});
  EXPECT_EQ(message({a, features_of("b", "two", {0, 10})}), "");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(message({a, features_of("A", "two", {20})}),
            "f1.h5: slide 'a' (f0.h5 of one.tif) and slide 'A' (f1.h5 of two.tif) are of different "
            "slide files with one id; expected an id for each slide (`slide_id` of its plan)");
  EXPECT_EQ(message({a, features_of("b", "one", {20})}),
            "f1.h5: slide 'a' (f0.h5 of one.tif) and slide 'b' (f1.h5 of one.tif) are of the same "
            "slide file; expected each slide once");
  EXPECT_EQ(
      message({a, features_of("a", "one", {10, 20, 30})}),
      "f1.h5: 1 of the 3 patches of slide 'a' (f1.h5 of one.tif) stand in slide 'a' (f0.h5 of "
      "one.tif), too; expected each patch once");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(message({a, features_of("a", "one", {20})}), "");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("are of one slide"), std::string::npos);
}

// Labelled, but for every fourth row; numbers of float16.
storage::FeatureFile labelled_file(const std::string& id, uint64_t seed) {
  Random random(seed);
  storage::FeatureFile file;
  file.plan.slide_id = id;
  file.plan.slide_path = id + ".tif";
  file.plan.slide_fingerprint = id;
  file.plan.classes = {{"a", "b"}};
  file.plan.spec = {.size_px = 8, .mpp = 1.0};
  file.plan.geometry.size_px = 8;
  file.plan.geometry.extent_x_px = file.plan.geometry.extent_y_px = 8;
  file.plan.geometry.level_extent_x_px = file.plan.geometry.level_extent_y_px = 8;
  file.plan.geometry.effective_mpp = 1.0;
  file.plan.geometry.slide_size_px = {1000, 1000};
  file.features.columns = 3;
  file.features.feature_space = "foreign: net/8px@1.0000mpp";
  file.features.precision = "f32";
  for (int64_t i = 0; i < 40; ++i) {
    const auto label = static_cast<int8_t>(i % 4 == 3 ? patch::kNoLabel : i % 2);
    file.plan.rows.push_back({8 * i, 0, 1, label, 1});
    for (int column = 0; column < 3; ++column) {
      const double value = random.normal() + (column == 0 && label == 1 ? 1 : 0);
      file.features.values.push_back(static_cast<float>(std::round(value * 64) / 64));
    }
    ++file.features.rows;
  }
  return file;
}

TEST_F(TrainFiles, ManyAreReadInOnePieceAndTrainToTheSame) {
  TrainFilesOptions options, halves;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const storage::FeatureFile file = labelled_file("s" + std::to_string(seed), seed);
    options.features.push_back(folder_ + "/" + file.plan.slide_id + ".h5");
    halves.features.push_back(folder_ + "/half_" + file.plan.slide_id + ".h5");
    storage::write_features(file, "", options.features.back());
    storage::write_features(file, "", halves.features.back(), storage::FeatureType::kFloat16);
  }
  const TrainFilesResult usual = train_files(options, {});
  options.most_copied = halves.most_copied = 0;
  const TrainFilesResult one_piece = train_files(options, {});
  EXPECT_EQ(one_piece.model.classifier.weights, usual.model.classifier.weights);
  EXPECT_EQ(one_piece.model.thresholds, usual.model.thresholds);
  EXPECT_EQ(one_piece.class_rows, (std::vector<int64_t>{80, 40}));
  EXPECT_EQ(one_piece.held_out_auc, usual.held_out_auc);
  const TrainFilesResult streamed = train_files(halves, {});
  EXPECT_EQ(streamed.model.classifier.lambda, usual.model.classifier.lambda);
  EXPECT_NEAR(streamed.held_out_log_loss.value(), usual.held_out_log_loss.value(), 1e-5);
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(streamed.model.classifier.weights[j], usual.model.classifier.weights[j], 1e-5);
    EXPECT_NEAR(streamed.model.classifier.mean[j], usual.model.classifier.mean[j], 1e-12);
  }
  // What is refused of few is refused of many.
  storage::FeatureFile other = labelled_file("s9", 9);
  other.features.feature_space = "foreign: another/8px@1.0000mpp";
  options.features.push_back(folder_ + "/s9.h5");
  storage::write_features(other, "", options.features.back());
  EXPECT_THROW(train_files(options, {}), Error);
  options.features.back() = options.features.front();
  EXPECT_THROW(train_files(options, {}), Error);
}

}  // namespace
}  // namespace lamella::verbs
