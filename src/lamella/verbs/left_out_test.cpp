// SPDX-License-Identifier: Apache-2.0
// What cannot be decoded is left out of features, scores and masks, and is told.
#include "lamella/patch/left_out.h"

#include <gtest/gtest.h>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/testing/memory_slide.h"
#include "lamella/testing/temporary_folder.h"
#include "lamella/verbs/encode.h"
#include "lamella/verbs/evaluate_files.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::verbs {
namespace {

constexpr int kPatch = 32, kColumns = 8, kRows = 4;  // patches; a tile is two by two of them

// The red and the green of the patch's first pixel.
class TwoColours final : public encoder::Encoder {
 public:
  TwoColours() {
    info_.name = "two";
    info_.sha256 = "0";
    info_.input_px = kPatch;
    info_.colour_order = "rgb";
    info_.mean = info_.std = {1, 1, 1};
    info_.dimension = 2;
  }
  const encoder::EncoderInfo& info() const override { return info_; }
  encoder::Precision precision() const override { return encoder::Precision::kF32; }
  double compile_seconds() const override { return 0; }
  void encode(std::span<const uint8_t> pixels, int64_t n, std::span<float> features,
              const Context&) override {
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* pixel = pixels.data() + i * kPatch * kPatch * 3;
      features[static_cast<size_t>(2 * i)] = pixel[0];
      features[static_cast<size_t>(2 * i + 1)] = pixel[1];
    }
  }

 private:
  encoder::EncoderInfo info_;
};

// Patch (column, row) is (column, row, 9) all over. Tiles of 64 px.
std::shared_ptr<const slide::Slide> slide_with(std::set<std::pair<int64_t, int64_t>> corrupt) {
  Image image(kColumns * kPatch, kRows * kPatch);
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<uint8_t>(x / kPatch);
      pixel[1] = static_cast<uint8_t>(y / kPatch);
      pixel[2] = 9;
    }
  }
  std::vector<Image> levels;
  levels.push_back(std::move(image));
  return std::make_shared<test::MemorySlide>(std::move(levels), std::nullopt, std::move(corrupt));
}

patch::PatchPlan plan_of(const slide::Slide& slide) {
  patch::PatchPlan plan;
  plan.slide_id = "s";
  plan.slide_fingerprint = slide.info().fingerprint;
  plan.spec = {.size_px = kPatch, .level = 0};
  plan.geometry = patch::resolve_geometry(plan.spec, slide.info());
  plan.classes.names = {"normal", "tumour"};
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kColumns; ++column) {
      plan.rows.push_back({.x_px = column * kPatch,
                           .y_px = row * kPatch,
                           .label = static_cast<int8_t>(column % 2)});
    }
  }
  return plan;
}

class LeftOut : public ::testing::Test {
 protected:
  LeftOut() {
    context_.threads = 2;
    context_.warning = [this](const std::string& text) { warnings_.push_back(text); };
    options_.how.on_damage = slide::OnDamage::kSkip;
  }
  std::string at(const std::string& name) const { return folder_.path() + "/" + name; }
  storage::FeatureFile encoded(const std::string& name) {
    encode_file(slide_, plan_, encoder_, options_, at(name), context_);
    return storage::read_features(at(name));
  }

  test::TemporaryFolder folder_;
  // The tile of patches (2, 2) (3, 2) (2, 3) (3, 3): rows 18, 19, 26, 27 of the plan.
  std::shared_ptr<const slide::Slide> slide_ = slide_with({{1, 1}});
  patch::PatchPlan plan_ = plan_of(*slide_);
  TwoColours encoder_;
  EncodeFileOptions options_;
  std::vector<std::string> warnings_;
  Context context_;
};

TEST_F(LeftOut, FailsUnlessAskedToSkip) {
  options_.how.on_damage = slide::OnDamage::kFail;
  EXPECT_THROW(encoded("f.h5"), Error);
  EXPECT_THROW(encode_slide(slide_, plan_, encoder_, {}, context_), Error);
}

TEST_F(LeftOut, FeaturesHaveTheOtherRowsAndTellWhich) {
  const storage::FeatureFile file = encoded("f.h5");
  ASSERT_EQ(file.features.rows, 28);
  ASSERT_EQ(file.plan.rows.size(), 28u);
  for (int64_t i = 0; i < file.features.rows; ++i) {
    const patch::PatchRow& row = file.plan.rows[static_cast<size_t>(i)];
    EXPECT_EQ(file.features.row(i)[0], static_cast<float>(row.x_px) / kPatch);
    EXPECT_EQ(file.features.row(i)[1], static_cast<float>(row.y_px) / kPatch);
  }
  std::vector<patch::Position> left_out;
  for (const patch::LeftOut& each : file.plan.left_out) left_out.push_back(each.at);
  EXPECT_EQ(left_out, (std::vector<patch::Position>{{64, 64}, {96, 64}, {64, 96}, {96, 96}}));
  const std::string text =
      "4 of 32 patches are left out, as their pixels cannot be read: rows 18, 19, 26, 27: ";
  ASSERT_EQ(file.plan.warnings.size(), 1u);
  EXPECT_TRUE(file.plan.warnings[0].starts_with(text)) << file.plan.warnings[0];
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(warnings_[0].starts_with("slide 's': " + text)) << warnings_[0];
}

TEST_F(LeftOut, InMemoryIsTheSameForAnyThreads) {
  const storage::FeatureFile file = encoded("f.h5");
  for (const int threads : {1, 3}) {
    context_.threads = threads;
    const storage::FeatureFile made =
        encode_slide(slide_, plan_, encoder_, {slide::OnDamage::kSkip}, context_);
    EXPECT_EQ(made.features.values, file.features.values);
    EXPECT_EQ(made.plan.rows, file.plan.rows);
    EXPECT_EQ(made.plan.warnings, file.plan.warnings);
    ASSERT_EQ(made.plan.left_out.size(), 4u);
    EXPECT_NE(made.plan.left_out[0].cause.find("this tile is damaged"), std::string::npos);
  }
}

TEST_F(LeftOut, ASoundSlideHasTheFeaturesItHadBefore) {
  slide_ = slide_with({});
  const storage::FeatureFile skipped = encoded("skip.h5");
  options_.how.on_damage = slide::OnDamage::kFail;
  encoded("fail.h5");
  EXPECT_EQ(io::read_text_file(at("skip.h5")), io::read_text_file(at("fail.h5")));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(LeftOut, ASlideOfWhichNothingCanBeReadFails) {
  std::set<std::pair<int64_t, int64_t>> all;
  for (int64_t x = 0; x < 4; ++x) all.insert({{x, 0}, {x, 1}});
  slide_ = slide_with(all);
  try {
    encoded("f.h5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_TRUE(error.message().starts_with("32 of 32 patches are left out")) << error.message();
  }
  EXPECT_FALSE(io::exists(at("f.h5")));
}

TEST_F(LeftOut, WhatIsDoneIsGoneOnWith) {
  {  // as a killed process leaves it
    storage::FeatureSpool spool(at("f.h5"), "key", 32, 2);
    spool.add(std::vector<uint32_t>{20, 0}, std::vector<float>{4, 2, 0, 0});
    spool.flush();
  }
  options_.key = "key";
  const EncodedFile made = encode_file(slide_, plan_, encoder_, options_, at("f.h5"), context_);
  EXPECT_EQ(made.resumed, 2);
  EXPECT_EQ(made.patches, 26);
  EXPECT_EQ(made.left_out, 4);
  const std::string resumed = io::read_text_file(at("f.h5"));
  encoded("whole.h5");
  EXPECT_EQ(resumed, io::read_text_file(at("whole.h5")));
}

TEST_F(LeftOut, TheKeyOfFeaturesAndMasksTellsOnlyOfSkipping) {
  const auto text = [&](slide::OnDamage on_damage) {
    EncodeFileOptions options;
    options.how.on_damage = on_damage;
    return key_text(features_key("plan", encoder_.info(), encoder::Precision::kF32, options));
  };
  const std::string fail = text(slide::OnDamage::kFail), skip = text(slide::OnDamage::kSkip);
  EXPECT_EQ(fail.find("damage"), std::string::npos);
  EXPECT_EQ(storage::changes(fail, skip),
            std::vector<std::string>{"patches.on_damage none -> skip"});
  storage::TissueKey mask;
  const std::string made = key_text(mask);
  mask.on_damage = slide::OnDamage::kSkip;
  EXPECT_EQ(storage::changes(made, key_text(mask)),
            std::vector<std::string>{"patches.on_damage none -> skip"});
}

TEST_F(LeftOut, EvaluatingLeavesOutWhatHasNoScore) {
  const storage::FeatureFile file = encoded("f.h5");
  feature::ScoreMatrix scores{file.plan.classes, {}};
  for (const patch::PatchRow& row : file.plan.rows) {
    const float tumour = row.label == 1 ? 0.75F : 0.25F;
    scores.values.insert(scores.values.end(), {1 - tumour, tumour});
  }
  storage::write_scores(file.plan, scores, "", at("s.csv"));
  storage::write_plan(plan_, "", at("p.h5"));
  warnings_.clear();
  const EvaluateFiles files{.scores = {at("s.csv")}, .truth = {at("p.h5")}};
  const FilesEvaluation found = evaluate_files(files, {.intervals = false}, context_);
  EXPECT_EQ(found.evaluation.all.n, 28);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(warnings_[0].starts_with("slide 's': 4 labelled patches have no score"))
      << warnings_[0];
  // Scores that lack rows for no reason are refused as ever.
  patch::PatchPlan silent = file.plan;
  silent.left_out.clear();
  storage::write_scores(silent, scores, "", at("s.csv"));
  EXPECT_THROW(evaluate_files(files, {.intervals = false}, context_), Error);
}

TEST_F(LeftOut, AMaskIsFoundOverADamagedTile) {
  EXPECT_THROW(tissue_mask("auto", {}, slide::OnDamage::kFail, *slide_, context_), Error);
  const auto mask = tissue_mask("auto", {}, slide::OnDamage::kSkip, *slide_, context_);
  EXPECT_EQ(mask.mask.width(), kColumns * kPatch);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(
      warnings_[0].starts_with("level 0: 1 tiles cannot be decoded and count as white in its mask "
                               "and pictures; the first: "))
      << warnings_[0];
}

// Reading that goes wrong is no damage: trying again may help.
class Unplugged final : public slide::Slide {
 public:
  explicit Unplugged(slide::SlideInfo info) : Slide(std::move(info)) {}
  std::unique_ptr<slide::TileDecoder> make_decoder() const override {
    return std::make_unique<slide::TileDecoder>();
  }
  void read_tile(int, slide::TileIndex, slide::TileDecoder&,
                 const MutableImageView&) const override {
    throw Error(ErrorCode::kIo, "input/output error", info_.path);
  }
  Image read_associated_image(const std::string&) const override { return {}; }
};

TEST_F(LeftOut, AFailureToReadIsNotSkipped) {
  slide_ = std::make_shared<Unplugged>(slide_->info());
  try {
    encoded("f.h5");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
  EXPECT_THROW(tissue_mask("auto", {}, slide::OnDamage::kSkip, *slide_, context_), Error);
}

TEST(LeftOutText, NamesCausesTogetherAndNotTooMany) {
  patch::PatchPlan plan;
  plan.rows.resize(100);
  std::vector<slide::RegionFailure> failures;
  for (size_t row = 0; row < 7; ++row) failures.push_back({row, "a"});
  failures.push_back({9, "b"});
  EXPECT_EQ(patch::left_out_text(plan, failures),
            "8 of 100 patches are left out, as their pixels cannot be read: rows 0, 1, 2, 3, 4 and "
            "2 more: a; row 9: b");
  failures.clear();
  for (size_t row = 0; row < 7; ++row) failures.push_back({row, std::string(1, char('a' + row))});
  EXPECT_TRUE(patch::left_out_text(plan, failures).ends_with("row 4: e; 2 more causes"));
}

}  // namespace
}  // namespace lamella::verbs
