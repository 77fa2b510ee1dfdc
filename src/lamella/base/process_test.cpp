// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/process.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include "lamella/base/error.h"

namespace lamella {
namespace {

// A file for each test: they may run side by side.
std::string log_path() {
  return ::testing::TempDir() + "lamella_process_" +
         ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".log";
}

std::string read_log() {
  std::ifstream file(log_path());
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Process, GivesCodeAndOutput) {
  EXPECT_EQ(run_process({"sh", "-c", "echo one; echo two >&2; exit 7"}, log_path(), {}), 7);
  EXPECT_EQ(read_log(), "one\ntwo\n");
  EXPECT_EQ(run_process({"true"}, log_path(), {}), 0);
  EXPECT_EQ(read_log(), "");
  EXPECT_EQ(run_process({"sh", "-c", "kill -9 $$"}, log_path(), {}), 128 + 9);
}

TEST(Process, HasOurVariablesButForThoseGiven) {
  ::setenv("LAMELLA_PROCESS_TEST", "ours", 1);
  const std::vector<std::string> words = {"sh", "-c", "echo $LAMELLA_PROCESS_TEST"};
  EXPECT_EQ(run_process(words, log_path(), {}), 0);
  EXPECT_EQ(read_log(), "ours\n");
  EXPECT_EQ(run_process(words, log_path(), {}, {"LAMELLA_PROCESS_TEST=given"}), 0);
  EXPECT_EQ(read_log(), "given\n");
  ::unsetenv("LAMELLA_PROCESS_TEST");
}

TEST(Process, WithoutALogItWritesWhereThisOneDoes) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(run_process({"sh", "-c", "echo one"}, "", {}), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "one\n");
}

TEST(Process, WhatIsNotThereIsNamed) {
  try {
    run_process({"/absent/program"}, log_path(), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.path(), "/absent/program");
  }
}

TEST(Process, IsEndedWhenCancelled) {
  const Context context;
  std::thread cancel([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    context.cancel.request();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(run_process({"sleep", "60"}, log_path(), context), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  cancel.join();
}

}  // namespace
}  // namespace lamella
