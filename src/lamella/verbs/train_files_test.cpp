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
  EXPECT_THROW(read_groups(write("g2.csv", "a\n")), Error);
  EXPECT_THROW(read_groups(write("g3.csv", "a,p\nA,q\n")), Error);
  EXPECT_FALSE(parse_l2("cv"));
  EXPECT_EQ(parse_l2("0.1"), 0.1);
  EXPECT_THROW(parse_l2("auto"), Error);
}

}  // namespace
}  // namespace lamella::verbs
