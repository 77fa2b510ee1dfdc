// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/tracking/run_record.h"

namespace lamella::tracking {
namespace {

class RunRecords : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/lamella_tracking_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static nlohmann::json read(const RunRecord& record) {
    return nlohmann::json::parse(io::read_text_file(record.folder() + "/run.json"));
  }
  std::string folder_;
};

TEST_F(RunRecords, IsReadableAfterEveryStep) {
  RunRecord record(folder_ + "/runs", "study");
  EXPECT_EQ(read(record)["status"], "RUNNING");
  EXPECT_EQ(read(record)["name"], "study");
  record.set("metrics", {{"auc", 0.5}});
  EXPECT_EQ(read(record)["metrics"]["auc"], 0.5);
  record.add_warning("pale slide");
  EXPECT_EQ(read(record)["warnings"], nlohmann::json::array({"pale slide"}));
  EXPECT_FALSE(read(record).contains("end_time"));
  record.finish("FINISHED");
  EXPECT_EQ(read(record)["status"], "FINISHED");
  EXPECT_TRUE(read(record).contains("end_time"));
  EXPECT_EQ(read(record), record.document());
}

TEST_F(RunRecords, HaveIdsOfTheirOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.insert(RunRecord(folder_, "s").run_id());
  EXPECT_EQ(ids.size(), 20u);
  // 20261123-021530-4f9a1c
  EXPECT_EQ(ids.begin()->size(), 22u);
}

TEST_F(RunRecords, KeepNamesThatAreNotUtf8Readable) {
  RunRecord record(folder_, "s");
  record.set("path", std::string("caf\xE9.svs"));
  EXPECT_NO_THROW(read(record));
}

TEST_F(RunRecords, SayThatAFolderCannotBeWritten) {
  io::write_file_atomic(folder_ + "/file", "x");
  EXPECT_THROW(RunRecord(folder_ + "/file", "s"), Error);
}

TEST(Software, NamesVersionProcessorAndLibraries) {
  const nlohmann::json software = describe_software({{"engine", "1.2"}});
  EXPECT_EQ(software["lamella"], LAMELLA_VERSION);
  EXPECT_EQ(software["libraries"]["engine"], "1.2");
  EXPECT_TRUE(software["processor"]["features"].is_array());
  EXPECT_NE(software["system"], "unknown");
}

}  // namespace
}  // namespace lamella::tracking
