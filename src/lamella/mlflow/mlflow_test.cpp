// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/mlflow/client.h"
#include "lamella/mlflow/content_internal.h"

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
  EXPECT_EQ(run.metrics.size(), 2u);
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
