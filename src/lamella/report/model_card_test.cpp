// SPDX-License-Identifier: Apache-2.0
#include "lamella/report/model_card.h"

#include <gtest/gtest.h>

namespace lamella::report {
namespace {

TEST(ModelCard, SaysWhatTheRecordSaysAndNoMore) {
  record::RunDocument run;
  run.name = "breast | <b>";
  run.run_id = "20260101-000000-abcdef";
  run.start_time = "2026-01-01T00:00:00Z";
  run.encoder = {"net", "e5", "", "CC-BY-NC-4.0", "f32", 1280};
  record::Training& training = run.training.emplace();
  training.classes = {"normal", "tumor"};
  training.class_rows = {20, 10};
  training.lambda = 0.1;
  training.folds = 5;
  training.size_px = 50;
  training.mpp = 4;
  run.split = {{"train", {{"a", "b"}, {"p"}, std::string(64, 'd')}},
               {"test", {{"c"}, {"q"}, std::string(64, 'f')}}};
  run.metrics["test"].classes.names = training.classes;
  run.metrics["test"].per_class.resize(2);
  evaluation::Metrics& metrics = run.metrics["test"].per_class[1];
  metrics.n = 30;
  metrics.n_positive = 12;
  metrics.auc = 0.93;
  metrics.auc_low = 0.907;
  metrics.auc_high = 0.954;
  const std::string card = model_card(run);
  for (const char* expected :
       {"# breast \\| \\<b\\>", "CC-BY-NC-4.0", "50 px at 4.0000 µm/px",
        "| train | 2 | 1 | `dddddddddddddddddddddddddddddddd` |", "10 tumor and 20 normal",
        "| test | 30 | 12 | 0.9300 | 0.9070-0.9540 | n/a |", "by cross-validation, 5 folds",
        "no medical device", "encoder's source | not known",
        "| net (1280 numbers), run in f32 |"}) {
    EXPECT_NE(card.find(expected), std::string::npos) << expected << "\n" << card;
  }
  // The same results give the same card.
  run.run_id = "another";
  run.start_time = "later";
  EXPECT_EQ(model_card(run), card);
  training.mpp.reset();
  EXPECT_NE(model_card(run).find("no known scale"), std::string::npos);
}

}  // namespace
}  // namespace lamella::report
