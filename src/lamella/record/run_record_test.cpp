// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/run_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_reader.h"
#include "lamella/record/software.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::record {
namespace {

class RunRecords : public ::testing::Test {
 protected:
  static nlohmann::json read(const RunRecord& record) {
    return nlohmann::json::parse(io::read_text_file(record.folder() + "/run.json"));
  }
  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

TEST_F(RunRecords, IsReadableAfterEveryStep) {
  RunRecord record(folder_ + "/runs", "study");
  EXPECT_EQ(read(record)["status"], "RUNNING");
  EXPECT_EQ(read(record)["name"], "study");
  record.document().metrics["test"].per_class.emplace_back().auc = 0.5;
  record.write();
  EXPECT_EQ(read(record)["metrics"]["test"]["auc"], 0.5);
  EXPECT_FALSE(read(record).contains("end_time"));
  record.finish(Status::kFinished);
  EXPECT_EQ(read(record)["status"], "FINISHED");
  EXPECT_TRUE(read(record).contains("end_time"));
  EXPECT_EQ(read(record), nlohmann::json(record.document()));
}

// Else a cohort of which many slides fail would spend its time on its record.
TEST_F(RunRecords, TakeManyWarningsInOneWriting) {
  RunRecord record(folder_ + "/runs", "study");
  EXPECT_TRUE(record.resting());
  for (int i = 0; i < 100; ++i) record.add_warning(fmt::format("slide {} is pale", i));
  EXPECT_EQ(read(record)["warnings"], nlohmann::json::array());
  const std::string log = io::read_text_file(record.folder() + "/log.txt");
  EXPECT_NE(log.find("warning: slide 99 is pale\n"), std::string::npos);
  record.write();
  EXPECT_EQ(read(record)["warnings"].size(), 100u);
  record.add_warning("the last");
  record.finish(Status::kFinished);
  EXPECT_EQ(read(record)["warnings"].back(), "the last");
  EXPECT_EQ(read(record), nlohmann::json(record.document()));
}

TEST_F(RunRecords, HaveIdsOfTheirOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const RunRecord record(folder_, "s");
    ids.insert(record.document().run_id);
  }
  EXPECT_EQ(ids.size(), 20u);
  // 20261123-021530-4f9a1c
  EXPECT_EQ(ids.begin()->size(), 22u);
}

TEST_F(RunRecords, KeepNamesThatAreNotUtf8Readable) {
  RunRecord record(folder_, "s");
  record.document().output = "caf\xE9.svs";
  record.write();
  EXPECT_NO_THROW(read(record));
}

TEST_F(RunRecords, SayThatAFolderCannotBeWritten) {
  io::write_file_atomic(folder_ + "/file", "x");
  EXPECT_THROW(RunRecord(folder_ + "/file", "s"), Error);
}

TEST_F(RunRecords, WithoutAnEndAreFailedOrKilled) {
  std::string left;
  {
    RunRecord record(folder_ + "/runs", "s");
    left = record.folder();
    EXPECT_EQ(read_run(left).status, Status::kRunning);  // this process lives
  }
  EXPECT_EQ(read_run(left).status, Status::kFailed);  // ended without a word
  // What kill -9 leaves: RUNNING, and a lock that nobody holds.
  nlohmann::json killed = read_run(left);
  killed["status"] = "RUNNING";
  io::write_file_atomic(left + "/run.json", killed.dump());
  EXPECT_EQ(read_run(left).status, Status::kRunning);  // no lock: nothing is known
  io::write_file_atomic(left + "/lock", "");
  EXPECT_EQ(read_run(left).status, Status::kKilled);
  std::filesystem::rename(left, folder_ + "/moved");
  EXPECT_EQ(read_run(folder_ + "/moved").status, Status::kKilled);
}

TEST_F(RunRecords, KeepCurvesAndALog) {
  RunRecord record(folder_, "s");
  record.measure("loss", 0.5, 0);
  record.measure("loss", std::numeric_limits<double>::quiet_NaN(), 1);
  record.measure("loss", 0.25, 2);
  record.log("see http://me:secret@host/x");
  record.document().server = "https://me:s3cr@t@host:5000/path";
  record.write();
  const nlohmann::json history = read(record)["history"];
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[1]["key"], "loss");
  EXPECT_EQ(history[1]["value"], 0.25);
  EXPECT_EQ(history[1]["step"], 2);
  EXPECT_GE(history[1]["time_ms"], read(record)["start_time_ms"]);
  EXPECT_EQ(read(record)["server"], "https://host:5000/path");
  const std::string log = io::read_text_file(record.folder() + "/log.txt");
  EXPECT_NE(log.find("see http://host/x\n"), std::string::npos);
  EXPECT_EQ(log.find("secret"), std::string::npos);
}

TEST_F(RunRecords, AreFoundAndABadOneIsNamed) {
  std::vector<std::string> ids;
  for (const char* output : {"/a", "/a", "/b/c"}) {
    RunRecord record(folder_ + output + "/runs", "s");
    record.finish(Status::kFinished);
    ids.push_back(record.document().run_id);
  }
  io::write_file_atomic(folder_ + "/a/runs/broken/run.json", "{\"run_id\": \"x\", ");
  io::write_file_atomic(folder_ + "/a/runs/list/run.json", "[]");
  io::write_file_atomic(folder_ + "/a/runs/other/run.json", "{\"run_id\": 3}");
  const FoundRuns found = find_runs(folder_, 2);
  EXPECT_EQ(found.runs.size(), 3u);
  ASSERT_EQ(found.unreadable.size(), 3u);
  EXPECT_NE(found.unreadable[0].find("/a/runs/broken/run.json"), std::string::npos);
  EXPECT_EQ(find_runs(folder_ + "/a/runs", 1).runs.size(), 2u);
  for (const std::string& id : ids) EXPECT_TRUE(find_run(id, folder_).ends_with("/" + id));
  const std::string place = find_run(ids[0], folder_);
  EXPECT_EQ(find_run(place, "/nowhere"), place);
  EXPECT_EQ(find_run(place + "/run.json", "/nowhere"), place);
  EXPECT_THROW(find_run("2", folder_), Error);   // several
  EXPECT_THROW(find_run("zz", folder_), Error);  // none
  EXPECT_THROW(find_runs(folder_ + "/gone", 1), Error);
}

TEST(FindRuns, ReadsAllOfARecordButListsAndDetails) {
  const test::TemporaryFolder folder;
  RunDocument document;
  document.run_id = "r";
  document.name = R"("details": {)";
  document.details["test"].wrong = {{R"(a"}\ {)", 1, 2, "a", "b", 0.5}};
  document.warnings = {"}", "details"};
  document.metrics["test"].per_class.emplace_back().auc = 0.75;
  const std::string place = folder.path() + "/runs/r";
  std::filesystem::create_directories(place);
  io::write_file_atomic(place + "/run.json", nlohmann::json(document).dump(1));
  EXPECT_EQ(nlohmann::json(read_run(place)), nlohmann::json(document));
  const FoundRuns found = find_runs(folder.path(), 1);
  ASSERT_EQ(found.runs.size(), 1u);
  document.details.clear();
  document.warnings.clear();
  EXPECT_EQ(nlohmann::json(found.runs[0].document), nlohmann::json(document));
}

TEST(Software, NamesVersionProcessorAndLibraries) {
  const Software software = describe_software({{"engine", "1.2"}});
  EXPECT_EQ(software.lamella, LAMELLA_VERSION);
  EXPECT_EQ(software.libraries.at("engine"), "1.2");
  EXPECT_NE(software.processor.model, "unknown");
  EXPECT_NE(software.system, "unknown");
  EXPECT_TRUE(software.built_with.contains("libtiff-4"));
  EXPECT_FALSE(describe_caller().host.empty());
}

}  // namespace
}  // namespace lamella::record
