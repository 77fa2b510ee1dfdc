// SPDX-License-Identifier: Apache-2.0
#include "lamella/record/run_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "lamella/base/error.h"

namespace lamella::record {
namespace {

using Json = nlohmann::json;

// Every member has a value of its own.
RunDocument whole() {
  RunDocument run;
  run.run_id = "20261127-150000-abcdef";
  run.name = "s";
  run.status = Status::kFinished;
  run.start_time = "2026-11-27T15:00:00Z";
  run.start_time_ms = 1;
  run.end_time = "2026-11-27T16:00:00Z";
  run.end_time_ms = 2;
  run.warnings = {"w"};
  run.error = "e";
  run.command = {"s.toml", {"a=1"}, 2, true};
  run.caller = {"me", "host", "/here", SourceCode{"abc", true, "main", "https://h/r"}};
  run.placement = {"e", "7", "named", "r1", true, "r2", {"record"}};
  run.output = "out";
  run.server = "http://h";
  run.options = {{"train", {{"l2", 0.1}}}};
  run.encoder = {"net", "e5", "hub", "MIT", "f32", 1280};
  run.seeds = {{"patches", 18446744073709551615u}};
  run.software = {"0.9", "abc", "Linux", {{"engine", "1"}}, {{"tiff", "4"}}, {"cpu", {"avx2"}}};
  run.inputs = {{"slide", "a.tif", 5, "f", "s", "e", 1, "c", "A", "P", "train", "tiff", "file", "2",
                 std::array{0.25, 0.5}}};
  run.split = {{"train", {{"A"}, {"P"}, "d"}}};
  run.training = {{"a", "b"},         {1, 2}, 3,    0.5,     224, 4.0, {{0.5, 0.25, {0.125}}},
                  {{"b", 0.5, 0.25}}, 0.25,   0.75, "space", "m"};
  run.metrics["test"].per_class.emplace_back().auc = 0.75;
  run.details["test"].wrong = {{"A", 1, 2, "a", "b", 0.5}};
  run.folds = {{"fold 1", {"P"}, {"A"}, 0.5, run.metrics["test"]}};
  run.controls["colour_only"].per_class.emplace_back().auc = 0.5;
  run.search = Search{"log_loss",
                      {{"t", {"a.b=1"}, "done", "e", "r", "out", 0.5, 0.75, 0.25, 3, 1.5}},
                      "t",
                      "r2",
                      {{"f", "t", 0.5, 0.75}}};
  run.trial_of = TrialOf{"r0", "t", true};
  run.usual = {5, 0.75, 0.25, 0.125, 2, 0.5, 0.625};
  run.outcomes = {{"A",
                   "train",
                   "done",
                   "e",
                   1,
                   2,
                   3,
                   4,
                   {{"plans", {"why"}}},
                   4,
                   0.5,
                   "a",
                   "a.png",
                   1.25,
                   0.5,
                   0.125,
                   {"far"}}};
  run.times = {{"encode", 3}};
  run.readings = {{"A", 5, 1000, 900, 0.5}};
  run.outputs = {{"a.csv", "h"}};
  run.history = {{"k", 0.5, 1, 2}};
  return run;
}

TEST(RunJson, IsReadAsItWasWritten) {
  const Json json = whole();
  EXPECT_EQ(json["format"], kRecordFormat);
  EXPECT_EQ(json["status"], "FINISHED");
  EXPECT_EQ(json["study"]["train"]["l2"], 0.1);
  EXPECT_EQ(json["inputs"][0]["mpp"], Json({0.25, 0.5}));
  EXPECT_EQ(json["slides"][0]["remade"][0]["why"][0], "why");
  EXPECT_EQ(json["seeds"]["patches"], 18446744073709551615u);
  EXPECT_EQ(Json(json.get<RunDocument>()), json);
  const Json empty = RunDocument{};
  EXPECT_EQ(Json(empty.get<RunDocument>()), empty);
  EXPECT_FALSE(empty.contains("metrics") || empty.contains("training"));
}

TEST(RunJson, BeginsWithTheFormat) {
  const nlohmann::ordered_json json = whole();
  EXPECT_EQ(json.begin().key(), "format");
  EXPECT_EQ((++json.begin()).key(), "run_id");
}

// A test that forgets a member would not see it lost.
void expect_described(const Json& schema, const Json& value, const std::string& place) {
  if (schema.contains("properties")) {
    for (const auto& [name, part] : schema["properties"].items()) {
      ASSERT_TRUE(value.contains(name)) << place << "." << name;
      EXPECT_FALSE(part["description"].get<std::string>().empty());
      // Which figures there are depends on the classes; evaluation has their schema.
      if (name != "metrics") expect_described(part, value[name], place + "." + name);
    }
    EXPECT_EQ(value.size(), schema["properties"].size()) << place;
  }
  if (schema.contains("items")) expect_described(schema["items"], value[0], place + "[]");
}

TEST(RunSchema, NamesEveryMemberThatIsWritten) { expect_described(run_schema(), whole(), ""); }

TEST(RunJson, TellsWhereAValueIsWrong) {
  const auto refused = [](const char* pointer, const Json& value) {
    Json json = whole();
    json[Json::json_pointer(pointer)] = value;
    try {
      json.get<RunDocument>();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      return error.message();
    }
    return std::string("was read");
  };
  EXPECT_EQ(refused("/slides/0/patches", 1.5),
            "slides[0].patches: found 1.5, expected a whole number that fits");
  EXPECT_EQ(refused("/training/trials/0/fold_log_loss", "x"),
            "training.trials[0].fold_log_loss: found \"x\", expected a list");
  EXPECT_EQ(refused("/status", "DONE"),
            "status: found \"DONE\", expected RUNNING, FINISHED, FAILED or KILLED");
  EXPECT_EQ(refused("/metrics/test", 3), "metrics.test: found 3, expected an object");
  EXPECT_EQ(refused("/run_id", nullptr), "'run_id' is missing (id of the run, name of its folder)");
  EXPECT_EQ(refused("/seeds/patches", -1),
            "seeds.patches: found -1, expected a whole number that fits");
  EXPECT_EQ(refused("/inputs/0/mpp", {1, 2, 3}),
            "inputs[0].mpp: found [1,2,3], expected two numbers");
}

TEST(RunJson, OfTheFirstFormatIsBroughtUpToDate) {
  Json old = whole();
  for (const char* key : {"format", "output", "server"}) old.erase(key);
  for (const char* key : {"size_px", "classes", "class_rows"}) old["training"].erase(key);
  old["training"]["rows_positive"] = 10;
  old["training"]["rows_negative"] = 20;
  old["study"] = {
      {"output", "there"}, {"tracking", {{"mlflow", "http://h"}}}, {"patches", {{"size_px", 112}}}};
  old["inputs"][0]["mpp"] = 0.5;
  const auto read = old.get<RunDocument>();
  EXPECT_EQ(read.output, "there");
  EXPECT_EQ(read.server, "http://h");
  EXPECT_EQ(read.training->size_px, 112);
  EXPECT_EQ(read.training->classes, (std::vector<std::string>{"normal", "tumour"}));
  EXPECT_EQ(read.training->class_rows, (std::vector<int64_t>{20, 10}));
  EXPECT_EQ(read.inputs[0].mpp, (std::array{0.5, 0.5}));
  old["format"] = 1;
  old["study"]["tracking"]["mlflow"] = nullptr;
  EXPECT_EQ(old.get<RunDocument>().server, "");
}

TEST(RunJson, OfANewerVersionIsRefused) {
  Json newer = whole();
  newer["format"] = kRecordFormat + 1;
  try {
    newer.get<RunDocument>();
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find("use the newer lamella"), std::string::npos);
  }
}

TEST(RunJson, HasNullForWhatIsNotFinite) {
  RunDocument run = whole();
  run.training->trials[0].mean_log_loss = std::numeric_limits<double>::infinity();
  const Json json = run;
  EXPECT_TRUE(json["training"]["trials"][0]["mean_log_loss"].is_null());
  EXPECT_EQ(Json(json.get<RunDocument>()), json);
}

}  // namespace
}  // namespace lamella::record
