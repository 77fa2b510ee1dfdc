// SPDX-License-Identifier: Apache-2.0
#include "lamella/evaluation/metric_rows.h"

#include <gtest/gtest.h>

namespace lamella::evaluation {
namespace {

Metrics some() {
  Metrics metrics;
  metrics.n = 30;
  metrics.n_positive = 12;
  metrics.auc = 0.93;
  metrics.auc_low = 0.907;
  metrics.auc_high = 0.954;
  metrics.brier = 0.125;
  return metrics;
}

TEST(MetricRows, AreTheColumnsOfATable) {
  const std::vector<std::string> titles = metric_titles();
  const std::vector<std::string> cells = metric_cells(some());
  EXPECT_EQ(titles, (std::vector<std::string>{"patches", "of the class", "AUC", "95 % interval",
                                              "as if patches were independent", "avg. precision",
                                              "accuracy", "balanced", "Brier", "slope", "ECE"}));
  EXPECT_EQ(cells, (std::vector<std::string>{"30", "12", "0.9300", "0.9070-0.9540", "n/a", "n/a",
                                             "n/a", "n/a", "0.1250", "n/a", "n/a"}));
  EXPECT_EQ(metric_cells({})[3], "n/a");
}

TEST(MetricRows, AreTheJsonAndReadFromIt) {
  const nlohmann::json json = some();
  EXPECT_EQ(json.size(), kMetricRows.size());
  EXPECT_EQ(json["n"], 30);
  EXPECT_EQ(json["auc_high"], 0.954);
  EXPECT_TRUE(json["ece"].is_null());
  EXPECT_EQ(metrics_schema()["required"].size(), kMetricRows.size());
  EXPECT_EQ(metrics_schema()["properties"]["ece"]["description"], "ECE");
  const auto read = json.get<Metrics>();
  for (const MetricRow& row : kMetricRows) {
    EXPECT_EQ(metric_value(read, row), metric_value(some(), row)) << row.name;
  }
  EXPECT_EQ(nlohmann::json::object().get<Metrics>().auc, std::nullopt);
  Metrics sure = some();
  sure.intervals = {"patients", 24, "of other patients", {{"auc", {0.9, 0.95}}}};
  const nlohmann::json with = sure;
  EXPECT_EQ(with["intervals"]["of"]["auc"], (nlohmann::json{0.9, 0.95}));
  EXPECT_EQ(with.get<Metrics>().intervals.of, sure.intervals.of);
  EXPECT_EQ(nlohmann::json(with.get<Metrics>()), with);
  for (const char* wrong : {R"({"n": 1.5})", R"({"auc": "high"})", R"({"n": 1e30})"}) {
    EXPECT_THROW(nlohmann::json::parse(wrong).get<Metrics>(), nlohmann::json::exception) << wrong;
  }
}

}  // namespace
}  // namespace lamella::evaluation
