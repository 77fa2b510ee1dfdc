// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/extract.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"
#include "lamella/testing/memory_slide.h"

namespace lamella::verbs {
namespace {

namespace fs = std::filesystem;

// Four patches of 64 px, a tile each, of one colour each; the second tile is damaged if asked for.
class Extract : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/lamella_extract_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    make(false);
    options_.files.folder = folder_ + "/patches";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void make(bool damaged) {
    Image image(256, 64);
    for (int x = 0; x < 256; ++x) {
      for (int y = 0; y < 64; ++y) {
        for (int c = 0; c < 3; ++c) image.row(y)[3 * x + c] = static_cast<uint8_t>(x / 64 * 10 + c);
      }
    }
    std::vector<Image> levels;
    levels.push_back(std::move(image));
    std::set<std::pair<int64_t, int64_t>> corrupt;
    if (damaged) corrupt.insert({1, 0});
    slide_ = std::make_shared<test::MemorySlide>(std::move(levels), std::nullopt, corrupt);
    plan_ = {};
    plan_.slide_id = "s";
    plan_.slide_fingerprint = slide_->info().fingerprint;
    plan_.spec = {.size_px = 64, .level = 0};
    plan_.geometry = patch::resolve_geometry(plan_.spec, slide_->info());
    for (int x = 0; x < 256; x += 64) plan_.rows.push_back({.x_px = x, .y_px = 0});
  }

  std::string folder_;
  std::shared_ptr<const slide::Slide> slide_;
  patch::PatchPlan plan_;
  ExtractFilesOptions options_;
};

TEST_F(Extract, WritesEveryPatch) {
  const Extracted made = extract_files(slide_, plan_, options_, {});
  EXPECT_EQ(made.patches, 4);
  EXPECT_EQ(made.tiles_decoded, 4);
  EXPECT_TRUE(made.failures.empty());
  for (int i = 0; i < 4; ++i) {
    const Image patch = imagefile::read_png(options_.files.folder + "/unlabelled/s_" +
                                            std::to_string(64 * i) + "_0.png");
    EXPECT_EQ(patch.width(), 64);
    EXPECT_EQ(patch.row(63)[3 * 63 + 1], 10 * i + 1);
  }
}

TEST_F(Extract, LeavesOutWhatIsDamagedAndSaysSo) {
  make(true);
  EXPECT_THROW(extract_files(slide_, plan_, options_, {}), Error);
  options_.damage.on_damage = slide::OnDamage::kSkip;
  std::vector<std::string> warnings;
  Context context;
  context.warning = [&](const std::string& text) { warnings.push_back(text); };
  const Extracted made = extract_files(slide_, plan_, options_, context);
  EXPECT_EQ(made.patches, 3);
  ASSERT_EQ(made.failures.size(), 1u);
  EXPECT_EQ(made.failures[0].region, 1);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("1 of 4 patches is left out, as their pixels cannot be read: row 1: "),
            std::string::npos)
      << warnings[0];
}

TEST_F(Extract, RefusesAnotherSlidesPlanAndBadOptions) {
  plan_.slide_fingerprint = "another";
  EXPECT_THROW(extract_files(slide_, plan_, options_, {}), Error);
  plan_.slide_fingerprint = slide_->info().fingerprint;
  options_.files.jpeg_quality = 0;
  EXPECT_THROW(extract_files(slide_, plan_, options_, {}), Error);
}

}  // namespace
}  // namespace lamella::verbs
