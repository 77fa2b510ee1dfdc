// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/model_card.h"

#include <gtest/gtest.h>

namespace lamella::study {
namespace {

TEST(ModelCard, SaysWhatTheRecordSaysAndNoMore) {
  nlohmann::json record = {
      {"name", "breast | <b>"},
      {"run_id", "20260101-000000-abcdef"},
      {"start_time", "2026-01-01T00:00:00Z"},
      {"study", {{"patches", {{"size_px", 50}}}}},
      {"encoder",
       {{"name", "net"}, {"licence", "CC-BY-NC-4.0"}, {"precision", "f32"}, {"sha256", "e5"}}},
      {"training",
       {{"classes", {"normal", "tumor"}},
        {"class_rows", {20, 10}},
        {"lambda", 0.1},
        {"folds", 5},
        {"mpp", 4.0}}},
      {"split",
       {{"train", {{"slides", {"a", "b"}}, {"patients", {"p"}}, {"digest", std::string(64, 'd')}}},
        {"test", {{"slides", {"c"}}, {"patients", {"q"}}, {"digest", std::string(64, 'f')}}}}},
      {"metrics",
       {{"test",
         {{"n", 30},
          {"n_positive", 12},
          {"auc", 0.93},
          {"auc_low", 0.907},
          {"auc_high", 0.954},
          {"average_precision", nullptr},
          {"accuracy", 0.8},
          {"balanced_accuracy", 0.8},
          {"brier", 0.1},
          {"ece", 0.075}}}}}};
  const std::string card = model_card(record);
  for (const char* expected :
       {"# breast \\| \\<b\\>", "CC-BY-NC-4.0", "50 px at 4.0000 µm/px",
        "| train | 2 | 1 | `dddddddddddddddddddddddddddddddd` |", "10 tumour and 20 normal",
        "| test | 30 | 12 | 0.9300 | 0.9070-0.9540 | n/a |", "by cross-validation, 5 folds",
        "no medical device", "encoder's source | not known"}) {
    EXPECT_NE(card.find(expected), std::string::npos) << expected << "\n" << card;
  }
  // The same results give the same card.
  record["run_id"] = "another";
  record["start_time"] = "later";
  EXPECT_EQ(model_card(record), card);
  record["training"]["mpp"] = nullptr;
  EXPECT_NE(model_card(record).find("no known scale"), std::string::npos);
}

}  // namespace
}  // namespace lamella::study
