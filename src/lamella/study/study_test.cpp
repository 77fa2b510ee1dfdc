// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/io/files.h"
#include "lamella/study/study_file.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::study {
namespace {

class StudyFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    io::write_file_atomic(path, text);
    return path;
  }

  // The message of the Error that reading the text as `name` throws, without the path.
  template <typename Read>
  static std::string message_of(const Read& read) {
    try {
      read();
    } catch (const Error& error) {
      return error.message();
    }
    return "nothing was thrown";
  }
  test::TemporaryFolder own_;
  std::string folder_ = own_.path();
};

constexpr const char* kStudy = R"(name = "s"
output = "out/s"
[slides]
table = "slides.csv"
[patches]
size_px = 50
level = 0
[classes]
normal = { centers = ["/abs/normal.txt"] }
tumor = { centers = ["tumor.txt"] }
[train]
l2 = "cv"
[score]
stride_px = 25
region = [1, 2, 300, 400]
)";

TEST_F(StudyFiles, ResolvesPathsAgainstTheStudyFile) {
  const Study study = read_study(write("s.toml", kStudy));
  EXPECT_EQ(study.slides.table, folder_ + "/slides.csv");
  EXPECT_EQ(study.output, folder_ + "/out/s");
  EXPECT_EQ(study.classes(), (ClassTable{{"normal", "tumor"}}));
  EXPECT_EQ(study.plans.labels.centers[0].path, folder_ + "/tumor.txt");
  EXPECT_EQ(study.plans.labels.centers[0].label, 1);
  EXPECT_EQ(study.plans.labels.centers[1].path, "/abs/normal.txt");
  EXPECT_EQ(study.plans.labels.centers[1].label, 0);
  EXPECT_EQ(study.plans.patches.size_px, 50);
  EXPECT_EQ(study.plans.patches.level, 0);
  EXPECT_FALSE(study.learning.train.lambda);
  EXPECT_EQ(study.plans.grid.stride_px, 25);
  EXPECT_EQ(study.plans.grid.region_px, (RectPx{1, 2, 300, 400}));
  EXPECT_EQ(study.encoder.name, "lite0");
}

TEST_F(StudyFiles, OverridesOneKey) {
  const std::string path = write("s.toml", kStudy);
  const Study study =
      read_study(path, {"train.l2=0.5", "encoder.name=other", "heatmap.opacity=0.25"});
  EXPECT_EQ(study.learning.train.lambda, 0.5);
  EXPECT_EQ(study.encoder.name, "other");
  EXPECT_EQ(study.heatmap.overlay.opacity, 0.25);
  EXPECT_THROW(read_study(path, {"train.l2"}), Error);
  EXPECT_NE(message_of([&] { read_study(path, {"train.l3=1"}); }).find("unknown key 'train.l3'"),
            std::string::npos);
}

TEST_F(StudyFiles, NamesUnknownKeysWithPlaceAndNearest) {
  std::string text = kStudy;
  text += "strid_px = 3\n";
  const std::string message = message_of([&] { read_study(write("s.toml", text)); });
  EXPECT_TRUE(
      message.starts_with("line 16, column 1: unknown key 'score.strid_px' (did you mean "
                          "'stride_px'?)"))
      << message;
  EXPECT_NE(message_of([&] {
              read_study(write("t.toml", std::string("slide = 1\n") + kStudy));
            }).find("did you mean 'slides'?"),
            std::string::npos);
}

TEST_F(StudyFiles, SaysWhatWasFoundAndExpected) {
  const auto message = [&](const std::string& from, const std::string& to) {
    std::string text = kStudy;
    text.replace(text.find(from), from.size(), to);
    return message_of([&] { read_study(write("s.toml", text)); });
  };
  EXPECT_EQ(message("size_px = 50", "size_px = \"50\""),
            "line 6, column 11: patches.size_px: found \"50\", expected a whole number");
  EXPECT_EQ(message("size_px = 50", "size_px = 4294967520"),  // 224 in 32 bits
            "line 6, column 11: patches.size_px: found 4294967520, expected 1 to 16384 px");
  EXPECT_EQ(message("region = [1,", "region = [1e300,"),
            "line 15, column 10: score.region: found 1e+300, expected 4 whole numbers, each "
            "-1000000000 to 1000000000 level-0 px");
  EXPECT_EQ(message("l2 = \"cv\"", "l2 = \"auto\""),
            "line 12, column 6: train.l2: found 'auto', expected cv or above 0");
  EXPECT_TRUE(message("[train]", "[train").starts_with("line 11, column 7:"))
      << message("[train]", "[train");
  EXPECT_NE(message("size_px = 50\n", "").find("'patches.size_px' is missing"), std::string::npos);
  EXPECT_NE(message("level = 0\n", "").find("level"), std::string::npos);
  EXPECT_NE(message("level = 0\n", "level = 0\nmpp = 1.0\n").find("mpp"), std::string::npos);
}

TEST_F(StudyFiles, RefusesAStudyWithoutLabels) {
  const std::string path = write("s.toml",
                                 "[slides]\ntable = \"a.csv\"\n[patches]\nsize_px = 50\n"
                                 "level = 0\n");
  EXPECT_NE(message_of([&] { read_study(path); }).find("'[classes]' is missing"),
            std::string::npos);
}

TEST_F(StudyFiles, ReadsTheSlidesTable) {
  const std::string path = write("slides.csv",
                                 "\xEF\xBB\xBFslide_id,path,patient_id,role,annotations,mpp\r\n"
                                 "a,x/a.tif,p1,train,a.xml,\r\n\r\n"
                                 "\"b,2\",/abs/b.tif,p2,test,,0.25\r\n"
                                 "c,c.tif,,score,,\r\n");
  const auto entries = cohort::read_slides_table(path);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].path, folder_ + "/x/a.tif");
  EXPECT_EQ(entries[0].annotations, folder_ + "/a.xml");
  EXPECT_FALSE(entries[0].mpp);
  EXPECT_EQ(entries[1].slide_id, "b,2");
  EXPECT_EQ(entries[1].path, "/abs/b.tif");
  EXPECT_EQ(entries[1].mpp, 0.25);
  EXPECT_EQ(entries[2].role, cohort::Role::kScore);
  EXPECT_EQ(entries[2].patient_id, "c");
}

TEST_F(StudyFiles, SlidesHaveTheirOwnMasks) {
  const std::string header = "slide_id,path,role,mask,tissue.min_density,tissue.max_gap_um\n";
  const auto entries = cohort::read_slides_table(
      write("slides.csv", header + "a,a.tif,score,,,\nb,b.tif,score,none,0.05,\n"
                                   "c,c.tif,score,masks/c.png,,120\n"));
  tissue::TissueOptions study;
  study.min_density = 0.03;
  EXPECT_EQ(entries[0].mask, "auto");
  EXPECT_EQ(tissue_of(entries[0], study).min_density, 0.03);
  EXPECT_EQ(entries[1].mask, "none");
  EXPECT_EQ(tissue_of(entries[1], study).min_density, 0.05);
  EXPECT_EQ(entries[2].mask, folder_ + "/masks/c.png");
  EXPECT_EQ(tissue_of(entries[2], study).max_gap_um, 120);
  EXPECT_EQ(message_of([&] {
              cohort::read_slides_table(write("slides.csv", header + "a,a.tif,score,,7,\n"));
            }),
            "line 2: tissue.min_density: found 7, expected 0.01 to 1");
}

TEST_F(StudyFiles, RefusesLeaksAndFaultsOfTheTable) {
  const std::string header = "slide_id,path,patient_id,role\n";
  const auto message = [&](const std::string& text) {
    return message_of([&] { cohort::read_slides_table(write("slides.csv", text)); });
  };
  EXPECT_EQ(message(header + "a,a.tif,Meier,train\nb,b.tif,meier,test\n"),
            "patient 'meier' is in both train and test: slide 'a' (line 2, train) and slide 'b' "
            "(line 3, test); give all slides of a patient the same role");
  EXPECT_EQ(message(header + "a,a.tif,p,train\nA,b.tif,p,train\n"),
            "slide 'A' stands in line 2 and again in line 3; expected each slide once");
  EXPECT_EQ(message(header + "a,a.tif,p,trian\n"),
            "line 2, column 11: found 'trian', expected train, test or score (did you mean "
            "'train'?)");
  EXPECT_EQ(message("slide_id,path,role\na,a.tif,train\n"),
            "line 2: the table has no column 'patient_id'; expected the patient's id: slides of "
            "one patient must not part between train and test");
  EXPECT_NE(message("slide_id,pth,role\na,a,score\n").find("did you mean 'path'?"),
            std::string::npos);
  EXPECT_EQ(message(header + "a,a.tif,p\n"), "line 2: found 3 fields, expected 4 as in the header");
  EXPECT_NE(message(header).find("names no slides"), std::string::npos);
  EXPECT_NE(message("slide_id,path,patient_id,role,mpp\na,a.tif,p,train,fast\n")
                .find("found 'fast', expected µm per pixel"),
            std::string::npos);
}

}  // namespace
}  // namespace lamella::study
