// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/finetune_run.h"

#include <gtest/gtest.h>

#include "lamella/io/files.h"
#include "lamella/record/run_reader.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::study {
namespace {

TEST(FinetuneRun, IsARecordedRunWithItsCurves) {
  const test::TemporaryFolder folder;
  Study study;
  study.name = "mine";
  study.output = folder.path() + "/out";
  study.source.path = folder.put("study.toml", "name = \"mine\"");
  study.slides.table = folder.put("slides.csv", "slide_id\n");
  study.tracking.mlflow = "";
  study.plans.labels.rule.classes.names = {"normal", "tumor"};
  study.learning.finetune.emplace().seed = 5;
  FinetuneStart start;
  for (const char* id : {"a", "b"}) {
    cohort::SlideEntry entry;
    entry.slide_id = id;
    entry.path = folder.put(std::string(id) + ".tif", id);
    entry.patient_id = std::string("patient ") + id;
    entry.role = cohort::Role::kTrain;
    start.slides.push_back(entry);
  }
  start.held_out = {"patient b"};
  start.network.name = "lite0";
  start.resolved = {{"ranks", 2}};
  FinetuneRun run(study, start, 1);
  run.measure("train_loss", 0.5, 1);
  run.send();
  io::make_folders(study.output + "/encoders");
  io::write_file_atomic(study.output + "/encoders/x", "1");
  EXPECT_TRUE(run.finish(record::Status::kFinished, "", {"encoders/x"}).is_null());

  const record::RunDocument found = record::read_run(run.folder());
  EXPECT_EQ(found.status, record::Status::kFinished);
  ASSERT_EQ(found.history.size(), 1u);
  EXPECT_EQ(found.history[0].key, "train_loss");
  EXPECT_EQ(found.seeds.at("finetune.seed"), 5u);
  EXPECT_EQ(found.options["verb"], "finetune");
  EXPECT_EQ(found.options["finetune"]["ranks"], 2);
  EXPECT_EQ(found.split.at("train").slides, std::vector<std::string>{"a"});
  EXPECT_EQ(found.split.at("held_out").slides, std::vector<std::string>{"b"});
  EXPECT_NE(found.split.at("train").digest, found.split.at("held_out").digest);
  ASSERT_EQ(found.outputs.size(), 1u);
}

}  // namespace
}  // namespace lamella::study
