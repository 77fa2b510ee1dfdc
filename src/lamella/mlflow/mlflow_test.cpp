// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <stdlib.h>

#include "lamella/base/error.h"
#include "lamella/mlflow/address.h"
#include "lamella/mlflow/content_internal.h"
#include "lamella/mlflow/files_internal.h"
#include "lamella/mlflow/tracking.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::mlflow {
namespace {

TEST(TrackingUri, PartsWithItsCredentials) {
  const Address plain = parse_tracking_uri("HTTP://host:5000/path/");
  EXPECT_EQ(plain.uri, "http://host:5000/path");
  EXPECT_EQ(plain.user + plain.password, "");
  const Address full = parse_tracking_uri("https://me%40home:p%3Ass@w@host");
  EXPECT_EQ(full.uri, "https://host");
  EXPECT_EQ(full.user, "me@home");
  EXPECT_EQ(full.password, "p:ss@w");
  for (const char* wrong : {"", "host:5000", "sqlite:///x", "http://", "http:///x", "http://a b",
                            "http://user:secret@", "https://h?x=1"}) {
    try {
      parse_tracking_uri(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
  }
}

TEST(TrackingUri, ThatCannotWorkHasARemedy) {
  const std::pair<const char*, const char*> cases[] = {
      {"sqlite:///x.db", "'mlflow server --backend-store-uri sqlite:///x.db"},
      {"postgresql+psycopg2://me:sesame@host/db", "--backend-store-uri postgresql+psycopg2://host"},
      {"./mlruns", "a folder is not written directly"},
      {"file:/tmp/mlruns", "a folder is not written directly"},
      {"host:5000", "write http://host:5000"},
      {"databricks-uc", "registry of models"},
      {"databricks://scope:prefix", "DATABRICKS_TOKEN"},
      {"ftp://host", "a browser shows"}};
  for (const auto& [uri, remedy] : cases) {
    try {
      parse_tracking_uri(uri);
      ADD_FAILURE() << uri;
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(remedy), std::string::npos) << text;
      EXPECT_EQ(text.find("sesame"), std::string::npos) << text;
    }
  }
}

class Workspaces : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"}) {
      ::unsetenv(name);
    }
    ::setenv("DATABRICKS_CONFIG_FILE",
             folder_
                 .put("cfg",
                      "[DEFAULT]\nhost = https://default/\ntoken = d\n"
                      "[work]\nhost = adb-1.net?o=7\ntoken=w\n"
                      "[oauth]\nhost = https://o\nclient_id = c\n")
                 .c_str(),
             1);
  }
  void TearDown() override {
    for (const char* name : {"DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE",
                             "DATABRICKS_CONFIG_FILE"}) {
      ::unsetenv(name);
    }
  }
  static std::string found(const std::string& uri) {
    const Address address = find_workspace(parse_tracking_uri(uri));
    return address.uri + " " + address.token;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Workspaces, AreFoundByProfileOrEnvironment) {
  EXPECT_EQ(found("databricks"), "https://default d");
  EXPECT_EQ(found("databricks://work"), "https://adb-1.net w");
  ::setenv("DATABRICKS_CONFIG_PROFILE", "work", 1);
  EXPECT_EQ(found("databricks"), "https://adb-1.net w");
  ::setenv("DATABRICKS_HOST", "https://e",
           1);  // and no token: that of another host is not sent there
  EXPECT_EQ(found("databricks"), "https://adb-1.net w");
  ::setenv("DATABRICKS_TOKEN", "t", 1);
  EXPECT_EQ(found("databricks"), "https://e t");
  EXPECT_EQ(found("databricks://DEFAULT"), "https://default d");
  EXPECT_EQ(found("http://h"), "http://h ");
  EXPECT_THROW(found("databricks://absent"), Error);
  try {
    found("databricks://oauth");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("found no token"), std::string::npos);
  }
}

class Placements : public ::testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }
  static void clear() {
    for (const char* name : {"MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_NAME",
                             "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(Placements, ComeFromOptionsThenTheActiveRunThenVariables) {
  ::setenv("MLFLOW_EXPERIMENT_ID", "7", 1);
  ::setenv("MLFLOW_RUN_NAME", "named", 1);
  ::setenv("MLFLOW_RUN_ID", "r1", 1);
  record::Placement placement = placement_of({}, {});
  EXPECT_EQ(placement.experiment_id, "7");
  EXPECT_EQ(placement.run_name, "named");
  EXPECT_EQ(placement.mlflow_run_id, "r1");
  EXPECT_FALSE(placement.ended_by_caller);
  ::setenv("MLFLOW_EXPERIMENT_NAME", "e", 1);
  const CallingClient client{"python", "http://h/", "r2"};
  placement = placement_of({.mlflow = "http://h"}, client);
  EXPECT_EQ(placement.experiment, "e");
  EXPECT_EQ(placement.experiment_id, "");
  EXPECT_EQ(placement.mlflow_run_id, "r2");
  EXPECT_TRUE(placement.ended_by_caller);
  placement = placement_of({.mlflow = "http://other"}, client);
  EXPECT_EQ(placement.mlflow_run_id, "r1");
  placement = placement_of({.experiment = "mine", .parent = "p", .artifacts = {"record"}}, client);
  EXPECT_EQ(placement.experiment, "mine");
  EXPECT_EQ(placement.parent_run_id, "p");
  EXPECT_EQ(placement.mlflow_run_id, "");
  EXPECT_EQ(placement.artifacts, std::vector<std::string>{"record"});
}

TEST_F(Placements, OfARecordStayUnlessOptionsSayOtherwise) {
  ::setenv("MLFLOW_EXPERIMENT_NAME", "e", 1);
  record::Placement recorded{.experiment = "was", .mlflow_run_id = "r", .ended_by_caller = true};
  EXPECT_EQ(placement_again({}, {}).experiment, "e");
  const record::Placement again = placement_again({}, recorded);
  EXPECT_EQ(again.experiment, "was");
  EXPECT_TRUE(again.mlflow_run_id == "r" && again.ended_by_caller);
  const record::Placement moved = placement_again({.experiment = "x"}, recorded);
  EXPECT_TRUE(moved.experiment == "x" && moved.mlflow_run_id.empty());
}

TEST_F(Placements, AnActiveRunThatCannotBeReachedIsTold) {
  std::string told;
  const auto refused = [&](const std::string& why) { told = why; };
  EXPECT_EQ(publish_options({}, {"p", "sqlite:///mlflow.db", "r"}, refused).uri, "");
  EXPECT_NE(told.find("the active MLflow run"), std::string::npos);
  EXPECT_EQ(publish_options({}, {"p", "http://h", "r"}, refused).uri, "http://h");
  EXPECT_EQ(publish_options({}, {"p", "http://h", ""}, refused).uri, "");
  ::setenv("MLFLOW_TRACKING_URI", "databricks", 1);
  EXPECT_EQ(publish_options({}, {}, refused).uri, "databricks");
}

TEST(ValidKey, IsOneThatTheServerTakes) {
  EXPECT_EQ(valid_key("train.l2"), "train.l2");
  EXPECT_EQ(valid_key("a[0]=b"), "a_0__b");
  EXPECT_EQ(valid_key("/a//b/../c/"), "_a/b/_./c");
  EXPECT_EQ(valid_key("übung"), "übung");
  EXPECT_EQ(valid_key(""), "_");
  const std::string one = valid_key(std::string(300, 'k'));
  const std::string two = valid_key(std::string(299, 'k') + "l");
  EXPECT_LE(one.size(), 250u);
  EXPECT_NE(one, two);
  EXPECT_EQ(valid_key(std::string(250, 'k')), std::string(250, 'k'));
}

TEST(Cut, CountsCharacters) {
  EXPECT_EQ(cut("äöü", 3), "äöü");
  EXPECT_EQ(cut("äöüß", 3), "äö…");
  EXPECT_EQ(cut("", 3), "");
}

TEST(Batches, FillUpToTheLimits) {
  nlohmann::json params, metrics;
  for (int i = 0; i < 150; ++i) params.push_back({{"key", i}, {"value", "v"}});
  for (int i = 0; i < 1900; ++i) metrics.push_back({{"key", "m"}, {"step", i}});
  const auto parts = batches("r", params, nlohmann::json::array(), metrics);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0]["params"].size(), 100u);
  EXPECT_FALSE(parts[0].contains("metrics"));
  EXPECT_EQ(parts[1]["params"].size(), 50u);
  EXPECT_EQ(parts[1]["metrics"].size(), 950u);  // 1,000 items together
  EXPECT_EQ(parts[2]["metrics"].size(), 950u);
  EXPECT_TRUE(
      batches("r", nlohmann::json::array(), nlohmann::json::array(), nlohmann::json::array())
          .empty());
}

TEST(Batches, StayBelowAMegabyte) {
  nlohmann::json params;
  for (int i = 0; i < 90; ++i) params.push_back({{"key", i}, {"value", std::string(50'000, 'v')}});
  size_t seen = 0;
  for (const auto& body : batches("r", params, nlohmann::json::array(), nlohmann::json::array())) {
    EXPECT_LE(body.dump().size(), 1'000'000u);
    seen += body["params"].size();
  }
  EXPECT_EQ(seen, 90u);
}

record::RunDocument trained() {
  record::RunDocument document;
  document.run_id = "r";
  document.name = "s";
  document.training.emplace().trials = {{0.1, 0.5, {0.4, 0.6}}, {1, 0.7, {0.6, 0.8}}};
  document.history = {{"cv_log_loss", 0.5, 0, 11}, {"cv_log_loss", 0.7, 1, 12}};
  return document;
}

TEST(NestedContents, AreThePathAndTheFolds) {
  record::RunDocument document = trained();
  const auto runs = nested_contents(document);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].name, "lambda path");
  EXPECT_EQ(runs[2].name, "fold 2");
  EXPECT_EQ(runs[2].key, "r:fold2");
  EXPECT_EQ(runs[2].metrics[3]["value"], 0.8);
  EXPECT_EQ(runs[2].metrics[3]["timestamp"], 12);
  document.training->trials[1].fold_log_loss.pop_back();
  EXPECT_TRUE(nested_contents(document).empty());  // not a whole table
  document.training->trials.clear();
  EXPECT_TRUE(nested_contents(document).empty());  // a penalty that was given
}

TEST(RunContent, HasTheChosenLossAndSlidesByTheirIds) {
  record::RunDocument document = trained();
  document.training->lambda = 0.1;
  for (const char* id : {"T1", "a[1", "a(1"}) document.outcomes.emplace_back().slide_id = id;
  document.history.push_back({"cv_lambda", 1, 1, 12});
  for (int64_t step = 0; step < 3; ++step) {
    document.history.push_back({"slide_score", 0.25 * static_cast<double>(step), step, 13});
  }
  document.history.push_back({"slides_auc", 0.9, 0, 14});
  document.placement.emplace().run_name = "mine";
  const mlflow::Run run = run_content(document);
  EXPECT_EQ(run.name, "mine");
  ASSERT_EQ(run.metrics.size(), 5u);
  EXPECT_EQ(
      run.metrics[0],
      nlohmann::json({{"key", "cv_log_loss"}, {"value", 0.5}, {"timestamp", 12}, {"step", 0}}));
  EXPECT_EQ(run.metrics[1]["key"], "slide_score/T1");
  const std::string one = run.metrics[2]["key"], other = run.metrics[3]["key"];
  EXPECT_TRUE(one.starts_with("slide_score/a_1_") && other.starts_with("slide_score/a_1_"));
  EXPECT_NE(one, other);
  EXPECT_EQ(run.metrics[4]["key"], "slides_auc");
  document.training->lambda = 0.3;  // given by hand after all: of no trial
  EXPECT_EQ(run_content(document).metrics.size(), 4u);
}

TEST(RunContent, NamesTheUsersOwnCommit) {
  record::RunDocument document = trained();
  document.software.emplace().git_commit = "ours";
  const auto commit = [&] {
    const mlflow::Run run = run_content(document);
    for (const auto& tag : run.tags) {
      if (tag["key"] == "mlflow.source.git.commit") return tag["value"].get<std::string>();
    }
    return std::string("-");
  };
  EXPECT_EQ(commit(), "-");
  document.caller.emplace().source = {"theirs", false, "main", ""};
  EXPECT_EQ(commit(), "theirs");
}

TEST(RunContent, IsOptionsFiguresAndWhoRanIt) {
  record::RunDocument document = trained();
  document.status = record::Status::kFinished;
  document.options = {{"name", "s"},
                      {"train", {{"l2", "cv"}, {"folds", {1, 2}}}},
                      {"tracking", {{"mlflow", "http://h"}}}};
  document.command = {"s.toml", {}, 2, false};
  document.caller = {"me", "host", "/"};
  const mlflow::Run run = run_content(document);
  EXPECT_EQ(run.status, "FINISHED");
  const auto value = [](const nlohmann::json& list, const std::string& key) {
    for (const auto& item : list) {
      if (item["key"] == key) return item["value"].get<std::string>();
    }
    return std::string("-");
  };
  EXPECT_EQ(value(run.params, "train.l2"), "cv");
  EXPECT_EQ(value(run.params, "train.folds"), "[1,2]");
  EXPECT_EQ(value(run.params, "tracking.mlflow"), "-");
  EXPECT_EQ(value(run.params, "threads"), "2");
  EXPECT_EQ(value(run.tags, "mlflow.source.name"), "lamella run s.toml");
  EXPECT_EQ(value(run.tags, "mlflow.user"), "me");
  EXPECT_EQ(value(run.tags, "lamella.error"), "-");
  EXPECT_TRUE(run.metrics.empty());  // the path is the nested runs'
}

TEST(Artifacts, AreChosen) {
  record::RunDocument document = trained();
  EXPECT_TRUE(is_wanted(document, "heatmaps"));
  document.placement.emplace().artifacts = {"record", "model"};
  EXPECT_TRUE(is_wanted(document, "model"));
  EXPECT_FALSE(is_wanted(document, "heatmaps"));
}

TEST(ModelFiles, HoldTheEncoderOnce) {
  RunFiles model;
  for (const char* name : {"MLmodel", "README.md", "by_position/MLmodel", "encoder/network.onnx",
                           "model.json", "model.onnx"}) {
    model.files.push_back({name, "p", "", "s"});
  }
  const auto names = [](const RunFiles& files) {
    std::string text;
    for (const RunFile& file : files.files) text += file.name + " ";
    return text;
  };
  EXPECT_EQ(names(network_model_files(model)), "MLmodel README.md model.json model.onnx ");
  EXPECT_EQ(names(position_model_files(model)),
            "MLmodel README.md encoder/network.onnx model.json ");
  model.files.erase(model.files.begin());  // cannot be one network
  EXPECT_EQ(names(network_model_files(model)), "");
}

TEST(ModelFiles, AnMlmodelIsCompletedWhereItIsLogged) {
  const test::TemporaryFolder folder;
  RunFiles files;
  files.files = {{"MLmodel", folder.put("MLmodel", R"({"flavors": {}})"), "", "old"},
                 {"model.onnx", folder.put("model.onnx", "12345"), "", "s"}};
  complete_mlmodel(files, {"run", "m-1", "mlflow-artifacts:/m-1", 1767225600123});
  const auto json = nlohmann::json::parse(files.files[0].bytes);
  EXPECT_EQ(json, nlohmann::json({{"flavors", nlohmann::json::object()},
                                  {"run_id", "run"},
                                  {"model_id", "m-1"},
                                  {"artifact_path", "mlflow-artifacts:/m-1"},
                                  {"model_size_bytes", 5},
                                  {"utc_time_created", "2026-01-01 00:00:00.123000"}}));
  EXPECT_TRUE(files.files[0].path.empty());
  EXPECT_EQ(files.files[0].sha256.size(), 64u);
}

TEST(DatasetInputs, BearTheDigestOfTheirData) {
  record::RunDocument document = trained();
  document.inputs = {{.kind = "slides table", .path = "slides.csv"}};
  document.split["test"] = {{"a", "b"}, {"p"}, std::string(64, 'd')};
  const auto datasets = dataset_inputs(document);
  ASSERT_EQ(datasets.size(), 1u);
  EXPECT_EQ(datasets[0].name, "s test");
  EXPECT_EQ(datasets[0].input["dataset"]["digest"], std::string(32, 'd'));
  EXPECT_EQ(datasets[0].input["dataset"]["source"], R"({"uri":"slides.csv"})");
  EXPECT_EQ(datasets[0].input["dataset"]["profile"], R"({"patients":1,"slides":2})");
}

}  // namespace
}  // namespace lamella::mlflow
