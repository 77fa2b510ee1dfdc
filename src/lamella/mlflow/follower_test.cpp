// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/follower.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <thread>

#include "lamella/base/error.h"

namespace lamella::mlflow {
namespace {

record::RunDocument some() {
  record::RunDocument document;
  document.run_id = "r";
  document.name = "s";
  return document;
}

// Nobody listens there.
PublishOptions nowhere() {
  PublishOptions options;
  options.uri = "http://127.0.0.1:9";
  return options;
}

class Followers : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0", 1); }
  void TearDown() override { ::unsetenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES"); }
};

TEST_F(Followers, LeaveAServerThatIsAwayAloneUntilTheEnd) {
  Follower follower(nowhere(), ::testing::TempDir(), {});
  EXPECT_TRUE(follower.idle());
  follower.post(some());
  std::vector<std::string> warnings;
  for (int i = 0; i < 500 && warnings.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    warnings = follower.take_warnings();
  }
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("the run is kept and goes on"), std::string::npos);
  EXPECT_FALSE(follower.idle());
  follower.post(some());  // is not tried again
  std::vector<std::string> said;
  Context context;
  context.warning = [&](const std::string& text) { said.push_back(text); };
  EXPECT_FALSE(follower.finish(some(), false, context));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("lamella runs publish"), std::string::npos);
}

TEST_F(Followers, DropWhatWasNotBegunWhenTheyEnd) {
  Follower follower(nowhere(), ::testing::TempDir(), {});
  Context context;
  context.cancel.request();
  EXPECT_THROW(follower.finish(some(), false, context), Error);  // interrupted
}

}  // namespace
}  // namespace lamella::mlflow
