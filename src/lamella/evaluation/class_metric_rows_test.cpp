// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/class_metric_rows.h"

#include <gtest/gtest.h>

#include <map>

namespace lamella::evaluation {
namespace {

using Json = nlohmann::json;

ClassMetrics three() {
  const feature::ScoreMatrix scores{{{"a", "b", "c"}},
                                    {0.5f, 0.25f, 0.25f, 0.25f, 0.5f, 0.25f, 0.25f, 0.25f, 0.5f}};
  return evaluate_classes(scores, std::vector<int8_t>{0, 1, 2});
}

ClassMetrics two() {
  const feature::ScoreMatrix scores{{{"a", "b"}}, {0.75f, 0.25f, 0.25f, 0.75f}};
  return evaluate_classes(scores, std::vector<int8_t>{0, 1});
}

TEST(ClassMetricRows, AreReadAsTheyWereWritten) {
  for (const ClassMetrics& metrics : {two(), three()}) {
    const Json json = metrics;
    const ClassMetrics back = json.get<ClassMetrics>();
    EXPECT_EQ(Json(back), json);
    EXPECT_EQ(back.classes, metrics.classes);
    EXPECT_EQ(back.confusion, metrics.confusion);
    EXPECT_EQ(back.macro_auc, metrics.macro_auc);
    EXPECT_EQ(back.per_class.size(), metrics.per_class.size());
  }
}

TEST(ClassMetricRows, OfTwoClassesAreTheLastOnes) {
  const Json json = two();
  EXPECT_EQ(json["auc"], 1.0);
  EXPECT_EQ(json["n_positive"], 1);
  EXPECT_FALSE(json.contains("macro_auc"));
  EXPECT_EQ(json["classes"][1]["name"], "b");
  EXPECT_EQ(table_rows("test", two()).size(), 1u);
  const auto figures = figures_of(two());
  const std::map<std::string, double> by_name(figures.begin(), figures.end());
  EXPECT_EQ(by_name.at("auc"), 1);
  EXPECT_TRUE(by_name.contains("log_loss"));
}

TEST(ClassMetricRows, ThatStandForAllWinInReading) {
  Json json = two();
  json["auc"] = 0.25;
  const auto read = json.get<ClassMetrics>();
  EXPECT_EQ(read.last().auc, 0.25);
  EXPECT_EQ(read.macro_auc, 0.25);
  EXPECT_EQ(Json(read)["classes"][0]["auc"], 1.0);
}

TEST(ClassMetricRows, OfMoreAreThoseOfEach) {
  const Json json = three();
  EXPECT_FALSE(json.contains("auc"));
  EXPECT_EQ(json["macro_auc"], 1.0);
  EXPECT_EQ(json["accuracy"], 1.0);
  EXPECT_EQ(json["confusion"], (Json{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}));
  const auto rows = table_rows("test", three());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1][0], "test b");
  EXPECT_EQ(rows[1].size(), metric_titles().size() + 1);
  EXPECT_EQ(summary_text(three()), "macro AUC 1.0000, accuracy 1.0000, log loss 0.6931");
  const auto figures = figures_of(three());
  const std::map<std::string, double> by_name(figures.begin(), figures.end());
  EXPECT_EQ(by_name.at("macro_auc"), 1);
  EXPECT_EQ(by_name.at("c_auc"), 1);
}

TEST(ClassMetricRows, OfRecordsBeforeClassesHadNames) {
  const Json old = {{"n", 30}, {"n_positive", 12}, {"auc", 0.9}, {"ece", nullptr}};
  const ClassMetrics metrics = old.get<ClassMetrics>();
  EXPECT_EQ(metrics.n, 30);
  EXPECT_EQ(metrics.last().auc, 0.9);
  EXPECT_TRUE(metrics.classes.empty());
  EXPECT_EQ(Json(metrics)["n_positive"], 12);
  EXPECT_EQ(table_rows("test", metrics).size(), 1u);
  EXPECT_THROW(Json({{"n", "many"}}).get<ClassMetrics>(), Json::exception);
  EXPECT_EQ(Json(ClassMetrics{})["n"], 0);
}

}  // namespace
}  // namespace lamella::evaluation
