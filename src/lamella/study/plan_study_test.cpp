// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/plan_study.h"

#include <gtest/gtest.h>

#include "lamella/cohort/pieces.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::study {
namespace {

TEST(SlideJobs, AWorkerMakesThePiecesThatTheRunFinds) {
  const test::TemporaryFolder folder;
  imagefile::TiffOptions options;
  options.mpp = Mpp{1, 1};
  imagefile::write_pyramid_tiff(
      folder.path() + "/a.tif", {512, 512}, options,
      [](const RectPx& rect, const MutableImageView& out) {  // purple all over
        for (int64_t y = 0; y < rect.height; ++y) {
          for (int64_t x = 0; x < rect.width; ++x) {
            uint8_t* pixel = out.row(static_cast<int>(y)) + 3 * x;
            pixel[0] = 150, pixel[1] = 60, pixel[2] = 160;
          }
        }
      });
  Study study;
  study.output = folder.path() + "/out";
  study.plans.patches.size_px = 64;
  study.plans.patches.mpp = 1.0;
  study.plans.labels.rule.classes.names = {"normal", "tumor"};
  study.plans.labels.centers = {{folder.put("list.txt", "a,256,256\nb,10,10\n"), 1}};
  const Context context;
  cohort::SlideEntry entry;
  entry.slide_id = "a";
  entry.path = folder.path() + "/a.tif";
  entry.role = cohort::Role::kTrain;
  cohort::SlideEntry other = entry;
  other.slide_id = "b";
  other.role = cohort::Role::kTest;
  const std::vector<SlideJob> jobs = slide_jobs(study, {entry, other}, context);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].model_mpp, 1.0);
  ASSERT_EQ(jobs[0].centres.size(), 1u);
  ASSERT_EQ(jobs[0].centres[0].centres.size(), 1u);
  EXPECT_EQ(jobs[0].centres[0].centres[0].slide_id, "a");

  const auto encoder = encoder::read_encoder_info(LAMELLA_SOURCE_DIR "/testdata/encoders/tiny");
  const auto made = plan_slide_job(jobs[0], encoder, context);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].kind, "labelled");
  EXPECT_FALSE(made[0].finished);
  EXPECT_FALSE(slide_job_finished(jobs[0], encoder, context));
  cohort::PieceContext pieces = piece_context(study, encoder);
  pieces.mpp = 1.0;
  pieces.centres = jobs[0].centres;
  const cohort::CohortSlide slide = cohort::open_cohort_slide(entry, context);
  cohort::LazyEncoder not_needed;
  cohort::SlidePieces own(pieces, slide, not_needed, context);
  const auto labelled = cohort::labelled_request(pieces, slide, context);
  EXPECT_EQ(own.features_path(labelled), made[0].features_path);
  EXPECT_EQ(own.features_key(labelled), made[0].key);
  EXPECT_EQ(own.plan(labelled).plan.rows, made[0].plan.rows);
  EXPECT_TRUE(own.report().remade.empty());
  EXPECT_EQ(plan_slide_job(jobs[1], encoder, context).size(), 2u);
}

}  // namespace
}  // namespace lamella::study
