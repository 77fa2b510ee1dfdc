// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/source_code.h"

#include <gtest/gtest.h>

#include "lamella/base/process.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::record {
namespace {

class SourceCodes : public ::testing::Test {
 protected:
  bool git(std::vector<std::string> words) {
    words.insert(words.begin(), {"git", "-C", repository()});
    return run_process(words, folder_.file("log"), {},
                       {"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b",
                        "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}) == 0;
  }
  void SetUp() override {
    io::make_folders(repository() + "/studies");
    if (run_process({"sh", "-c", "command -v git"}, folder_.file("log"), {}) != 0) {
      GTEST_SKIP() << "git is not installed";
    }
    ASSERT_TRUE(git({"init", "--quiet", "--initial-branch=trunk"}));
  }
  std::string repository() const { return folder_.file("repository"); }

  test::TemporaryFolder folder_;
};

TEST_F(SourceCodes, AreTheUsersOwn) {
  EXPECT_FALSE(find_source_code({repository()}));  // without a commit
  EXPECT_FALSE(find_source_code({folder_.file("absent")}));
  io::write_file_atomic(repository() + "/studies/study.toml", "name = \"a\"\n");
  ASSERT_TRUE(git({"add", "."}) && git({"commit", "--quiet", "-m", "one"}));
  ASSERT_TRUE(git({"tag", "v1"}));  // is not what is recorded
  const auto clean = find_source_code({folder_.file("absent"), repository() + "/studies"});
  ASSERT_TRUE(clean);
  EXPECT_EQ(clean->commit.size(), 40u);
  EXPECT_EQ(clean->branch, "trunk");
  EXPECT_EQ(clean->repository, "");
  EXPECT_FALSE(clean->changed);
  io::write_file_atomic(repository() + "/studies/study.toml", "name = \"b\"\n");
  ASSERT_TRUE(git({"remote", "add", "origin", "https://me:sesame@host/r.git"}));
  const auto changed = find_source_code({repository()});
  EXPECT_TRUE(changed && changed->changed);
  EXPECT_EQ(changed->commit, clean->commit);
  EXPECT_EQ(changed->repository, "https://host/r.git");
}

}  // namespace
}  // namespace lamella::record
