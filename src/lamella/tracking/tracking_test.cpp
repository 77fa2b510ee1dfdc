// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"
#include "lamella/tracking/compare_runs.h"
#include "lamella/tracking/run_reader.h"
#include "lamella/tracking/run_record.h"

namespace lamella::tracking {
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
  record.set("metrics", {{"auc", 0.5}});
  EXPECT_EQ(read(record)["metrics"]["auc"], 0.5);
  EXPECT_FALSE(read(record).contains("end_time"));
  record.finish("FINISHED");
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
  record.set("metrics", {{"auc", 0.5}});
  EXPECT_EQ(read(record)["warnings"].size(), 100u);
  record.add_warning("the last");
  record.finish("FINISHED");
  EXPECT_EQ(read(record)["warnings"].back(), "the last");
  EXPECT_EQ(read(record), nlohmann::json(record.document()));
}

TEST_F(RunRecords, HaveIdsOfTheirOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const RunRecord record(folder_, "s");
    ids.insert(record.run_id());
  }
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

TEST_F(RunRecords, WithoutAnEndAreFailedOrKilled) {
  std::string left;
  {
    RunRecord record(folder_ + "/runs", "s");
    left = record.folder();
    EXPECT_EQ(read_run(left)["status"], "RUNNING");  // this process lives
  }
  EXPECT_EQ(read_run(left)["status"], "FAILED");  // ended without a word
  // What kill -9 leaves: RUNNING, and a lock that nobody holds.
  nlohmann::json killed = read_run(left);
  killed["status"] = "RUNNING";
  io::write_file_atomic(left + "/run.json", killed.dump());
  EXPECT_EQ(read_run(left)["status"], "RUNNING");  // no lock: nothing is known
  io::write_file_atomic(left + "/lock", "");
  EXPECT_EQ(read_run(left)["status"], "KILLED");
  std::filesystem::rename(left, folder_ + "/moved");
  EXPECT_EQ(read_run(folder_ + "/moved")["status"], "KILLED");
}

TEST_F(RunRecords, KeepCurvesAndALog) {
  RunRecord record(folder_, "s");
  record.measure("loss", 0.5, 0);
  record.measure("loss", std::numeric_limits<double>::quiet_NaN(), 1);
  record.measure("loss", 0.25, 2);
  record.log("see http://me:secret@host/x");
  record.set("uri", "https://me:s3cr@t@host:5000/path");
  const nlohmann::json history = read(record)["history"];
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[1]["key"], "loss");
  EXPECT_EQ(history[1]["value"], 0.25);
  EXPECT_EQ(history[1]["step"], 2);
  EXPECT_GE(history[1]["time_ms"], read(record)["start_time_ms"]);
  EXPECT_EQ(read(record)["uri"], "https://host:5000/path");
  const std::string log = io::read_text_file(record.folder() + "/log.txt");
  EXPECT_NE(log.find("see http://host/x\n"), std::string::npos);
  EXPECT_EQ(log.find("secret"), std::string::npos);
}

TEST(Credentials, AreCutOutOfEveryAddress) {
  EXPECT_EQ(without_credentials("a http://u:p@h/x and https://t@g:1?q=a@b"),
            "a http://h/x and https://g:1?q=a@b");
  EXPECT_EQ(without_credentials("http://u:p@ss@h"), "http://h");
  EXPECT_EQ(without_credentials("mail me@home, http://h/a@b"), "mail me@home, http://h/a@b");
  EXPECT_EQ(without_credentials("http://"), "http://");
}

TEST_F(RunRecords, AreFoundAndABadOneIsNamed) {
  std::vector<std::string> ids;
  for (const char* output : {"/a", "/a", "/b/c"}) {
    RunRecord record(folder_ + output + "/runs", "s");
    record.finish("FINISHED");
    ids.push_back(record.run_id());
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

const nlohmann::json kRun = {
    {"inputs",
     {{{"kind", "slide"}, {"slide_id", "T1"}, {"path", "/a/T1.tif"}, {"fingerprint", "f1"}},
      {{"kind", "slide"}, {"slide_id", "T2"}, {"path", "/a/T2.tif"}, {"fingerprint", "f2"}}}},
    {"study", {{"name", "s"}, {"output", "x"}, {"train", {{"l2", "cv"}}}}},
    {"training", {{"trials", {{{"mean_log_loss", 0.5}}, {{"mean_log_loss", 0.25}}}}}},
    {"metrics", {{"test", {{"auc", 0.75}}}}},
    {"seconds", {{"encode", 3}}}};

TEST(CompareRuns, SaysNothingOfEqualRuns) {
  nlohmann::json other = kRun;
  other["seconds"]["encode"] = 4;
  other["study"]["output"] = "y";
  other["inputs"][0]["path"] = "/b/T1.tif";
  std::swap(other["inputs"][0], other["inputs"][1]);  // matched by name, not by place
  const Comparison comparison = compare_runs(kRun, other);
  EXPECT_TRUE(comparison.differences.empty());
  EXPECT_TRUE(comparison.inputs_equal() && comparison.outputs_equal());
}

TEST(CompareRuns, NamesInputsBeforeOutputs) {
  nlohmann::json other = kRun;
  other["metrics"]["test"]["auc"] = 0.5;
  other["training"]["trials"][1]["mean_log_loss"] = 0.5;
  other["study"]["train"]["l2"] = 0.1;
  other["inputs"][1]["fingerprint"] = "f3";
  other["inputs"].push_back({{"kind", "slide"}, {"slide_id", "T3"}, {"path", "p"}});
  const Comparison comparison = compare_runs(kRun, other);
  std::vector<std::string> names;
  for (const Difference& difference : comparison.differences) names.push_back(difference.name);
  EXPECT_EQ(names, (std::vector<std::string>{"inputs.slide T2.fingerprint", "inputs.slide T3",
                                             "study.train.l2", "training.trials[1].mean_log_loss",
                                             "metrics.test.auc"}));
  EXPECT_FALSE(comparison.inputs_equal());
  EXPECT_FALSE(comparison.outputs_equal());
  EXPECT_EQ(comparison.differences[4].by, -0.25);
  EXPECT_EQ(to_text(comparison.differences[4]), "metrics.test.auc: 0.75 against 0.5 (by -0.25)");
  EXPECT_EQ(to_text(comparison.differences[2]), "study.train.l2: \"cv\" against 0.1");
}

TEST(Software, NamesVersionProcessorAndLibraries) {
  const nlohmann::json software = describe_software({{"engine", "1.2"}});
  EXPECT_EQ(software["lamella"], LAMELLA_VERSION);
  EXPECT_EQ(software["libraries"]["engine"], "1.2");
  EXPECT_TRUE(software["processor"]["features"].is_array());
  EXPECT_NE(software["system"], "unknown");
  EXPECT_TRUE(software["built_with"].contains("libtiff-4")) << software;
  EXPECT_FALSE(describe_caller()["host"].get<std::string>().empty());
}

}  // namespace
}  // namespace lamella::tracking
