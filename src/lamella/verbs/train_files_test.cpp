// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/train_files.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/error.h"
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

}  // namespace
}  // namespace lamella::verbs
