// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/tracking/mlflow_client.h"
#include "lamella/tracking/mlflow_content_internal.h"

namespace lamella::tracking {
namespace {

TEST(TrackingUri, PartsWithItsCredentials) {
  const MlflowAddress plain = parse_tracking_uri("HTTP://host:5000/path/");
  EXPECT_EQ(plain.uri, "http://host:5000/path");
  EXPECT_EQ(plain.user + plain.password, "");
  const MlflowAddress full = parse_tracking_uri("https://me%40home:p%3Ass@w@host");
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

TEST(MlflowKey, IsOneThatTheServerTakes) {
  EXPECT_EQ(mlflow_key("train.l2"), "train.l2");
  EXPECT_EQ(mlflow_key("a[0]=b"), "a_0__b");
  EXPECT_EQ(mlflow_key("/a//b/../c/"), "_a/b/_./c");
  EXPECT_EQ(mlflow_key("übung"), "übung");
  EXPECT_EQ(mlflow_key(""), "_");
  const std::string one = mlflow_key(std::string(300, 'k'));
  const std::string two = mlflow_key(std::string(299, 'k') + "l");
  EXPECT_LE(one.size(), 250u);
  EXPECT_NE(one, two);
  EXPECT_EQ(mlflow_key(std::string(250, 'k')), std::string(250, 'k'));
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

TEST(NestedContents, AreThePathAndTheFolds) {
  nlohmann::json document = {
      {"run_id", "r"},
      {"name", "s"},
      {"status", "RUNNING"},
      {"training",
       {{"trials",
         {{{"lambda", 0.1}, {"mean_log_loss", 0.5}, {"fold_log_loss", {0.4, 0.6}}},
          {{"lambda", 1.0}, {"mean_log_loss", 0.7}, {"fold_log_loss", {0.6, 0.8}}}}}}},
      {"history",
       {{{"key", "cv_log_loss"}, {"value", 0.5}, {"step", 0}, {"time_ms", 11}},
        {{"key", "cv_log_loss"}, {"value", 0.7}, {"step", 1}, {"time_ms", 12}}}}};
  const auto runs = nested_contents(document);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].name, "lambda path");
  EXPECT_EQ(runs[2].name, "fold 2");
  EXPECT_EQ(runs[2].key, "r:fold2");
  EXPECT_EQ(runs[2].metrics[3]["value"], 0.8);
  EXPECT_EQ(runs[2].metrics[3]["timestamp"], 12);
  document["training"]["trials"] = nlohmann::json::array();
  EXPECT_TRUE(nested_contents(document).empty());  // a penalty that was given
}

}  // namespace
}  // namespace lamella::tracking
