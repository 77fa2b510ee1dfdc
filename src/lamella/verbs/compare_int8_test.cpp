// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/compare_int8.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lamella/testing/memory_slide.h"

namespace lamella::verbs {
namespace {

// (cos a, sin a) for every patch.
class Direction final : public encoder::Encoder {
 public:
  explicit Direction(double cosine) : cosine_(static_cast<float>(cosine)) {
    info_.name = "tilted";
    info_.sha256 = "0";
    info_.input_px = 8;
    info_.colour_order = "rgb";
    info_.mean = info_.std = {1, 1, 1};
    info_.dimension = 2;
  }
  encoder::EncoderInfo& change() { return info_; }
  const encoder::EncoderInfo& info() const override { return info_; }
  encoder::Precision precision() const override { return encoder::Precision::kInt8; }
  double compile_seconds() const override { return 0; }
  encoder::Encoder* reference() override { return reference_; }
  void refer_to(Direction* exact) { reference_ = exact; }
  int64_t patches() const { return patches_; }
  void encode(std::span<const uint8_t>, int64_t n, std::span<float> features,
              const Context&) override {
    patches_ += n;
    for (int64_t i = 0; i < n; ++i) {
      features[static_cast<size_t>(2 * i)] = cosine_;
      features[static_cast<size_t>(2 * i + 1)] = std::sqrt(1 - cosine_ * cosine_);
    }
  }

 private:
  encoder::EncoderInfo info_;
  float cosine_;
  Direction* reference_ = nullptr;
  int64_t patches_ = 0;
};

class CompareInt8 : public ::testing::Test {
 protected:
  CompareInt8() {
    std::vector<Image> levels;
    levels.emplace_back(160, 64);
    slide_ = std::make_shared<test::MemorySlide>(std::move(levels), std::nullopt);
    plan_.slide_id = "s";
    plan_.spec = {.size_px = 8, .level = 0};
    plan_.geometry = patch::resolve_geometry(plan_.spec, slide_->info());
    for (int i = 0; i < 160; ++i) plan_.rows.push_back({.x_px = i % 20 * 8, .y_px = i / 20 * 8});
    int8_.change().int8 = true;
    int8_.change().made_from = encoder::Origin{"upright", std::string(64, 'a')};
    int8_.change().quality = {{"max_cosine_loss", 0.01}, {"cosine_mean", 0.995}};
    context_.warning = [this](const std::string& text) { warnings_.push_back(text); };
    context_.notice = [this](const std::string& text) { notes_.push_back(text); };
  }
  std::string compare(double cosine, int64_t patches = kComparedPatches) {
    Direction exact(cosine);
    int8_.refer_to(&exact);
    std::string text = compare_int8(slide_, plan_, int8_, patches, context_);
    compared_ = exact.patches();
    return text;
  }

  std::shared_ptr<const slide::Slide> slide_;
  patch::PatchPlan plan_;
  Direction int8_{1};
  Context context_;
  std::vector<std::string> warnings_, notes_;
  int64_t compared_ = 0;
};

TEST_F(CompareInt8, WarnsBelowTheGateThatTheEncoderWasQuantizedWith) {
  EXPECT_EQ(
      compare(0.907),
      "the int8 features of 64 patches have a mean cosine of 0.9070 to those of 'upright' in "
      "f32, expected at least 0.99 (on the slides it was quantized with: 0.9950); quantize it "
      "with such slides, too, or use 'upright'");
  EXPECT_EQ(compared_, 64);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(CompareInt8, NotesWhatIsNearEnough) {
  EXPECT_EQ(compare(0.9905), "");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0],
            "slide 's': the int8 features of 64 patches have a mean cosine of 0.9905 to those of "
            "'upright' in f32");
}

TEST_F(CompareInt8, TakesAllOfASmallPlanAndTheUsualGateWhereNoneIsSaid) {
  plan_.rows.resize(5);
  int8_.change().quality.clear();
  EXPECT_EQ(compare(0.985), "");
  EXPECT_NE(compare(0.975).find("of 5 patches"), std::string::npos);
  EXPECT_EQ(compared_, 5);
}

TEST_F(CompareInt8, SaysThatNothingIsCompared) {
  EXPECT_EQ(compare_int8(slide_, plan_, int8_, 64, context_), "");
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0],
            "the int8 encoder 'tilted' is not compared with f32 on these slides, as 'upright' "
            "(sha256 aaaaaaaaaaaa), of which it was made, is not among the encoders");
}

TEST_F(CompareInt8, LeavesOthersAlone) {
  EXPECT_EQ(compare(0.5, 0), "");
  plan_.rows.clear();
  EXPECT_EQ(compare(0.5), "");
  int8_.change().int8 = false;
  EXPECT_EQ(compare(0.5), "");
  EXPECT_EQ(compared_, 0);
  EXPECT_TRUE(warnings_.empty() && notes_.empty());
}

}  // namespace
}  // namespace lamella::verbs
