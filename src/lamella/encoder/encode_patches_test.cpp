// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "lamella/base/random.h"
#include "lamella/encoder/encoder.h"
#include "lamella/encoder/testing_internal.h"

namespace lamella::encoder {
namespace {

constexpr int kSide = 128;  // px of the slide; blocks of 4 x 4 px have one colour each
constexpr int kTile = 16;

// The block of column c and row r is (10 + 2 (c % 8), 20 + 4 (r % 8), 30): (c % 8, r % 8, 0) to
// the tiny networks.
class BlockSlide final : public slide::Slide {
 public:
  explicit BlockSlide(bool damaged = false) : Slide(make_info()), damaged_(damaged) {}

  std::unique_ptr<slide::TileDecoder> make_decoder() const override {
    return std::make_unique<slide::TileDecoder>();
  }

  void read_tile(int, slide::TileIndex tile, slide::TileDecoder&,
                 const MutableImageView& out) const override {
    if (damaged_ && tile.column == 3 && tile.row == 5) {
      throw Error(ErrorCode::kCorrupt, "tile (3, 5) is damaged", info().path);
    }
    for (int y = 0; y < kTile; ++y) {
      for (int x = 0; x < kTile; ++x) {
        const int64_t column = (tile.column * kTile + x) / 4, row = (tile.row * kTile + y) / 4;
        uint8_t* pixel = out.row(y) + 3 * x;
        pixel[0] = static_cast<uint8_t>(10 + 2 * (column % 8));
        pixel[1] = static_cast<uint8_t>(20 + 4 * (row % 8));
        pixel[2] = 30;
      }
    }
  }

  Image read_associated_image(const std::string& name) const override {
    throw Error(ErrorCode::kNotFound, name);
  }

 private:
  static slide::SlideInfo make_info() {
    slide::SlideInfo info;
    info.path = "blocks";
    slide::LevelInfo level;
    level.size_px = {kSide, kSide};
    level.tile_px = {kTile, kTile};
    info.levels = {level};
    return info;
  }

  bool damaged_;
};

// Every block once, in a random order.
patch::PatchPlan shuffled_plan(const slide::Slide& slide) {
  patch::PatchPlan plan;
  plan.slide_id = "s1";
  plan.slide_path = "blocks";
  plan.spec = {.size_px = 4, .level = 0};
  plan.geometry = patch::resolve_geometry(plan.spec, slide.info());
  for (int y = 0; y < kSide; y += 4) {
    for (int x = 0; x < kSide; x += 4) plan.rows.push_back({.x_px = x, .y_px = y});
  }
  Random(3).shuffle(std::span(plan.rows));
  return plan;
}

TEST(EncodePatches, RowsFollowThePlanForAnyThreads) {
  const auto slide = std::make_shared<BlockSlide>();
  const patch::PatchPlan plan = shuffled_plan(*slide);
  ASSERT_EQ(plan.rows.size(), 1024u);
  const EncoderInfo info = read_encoder_info(tiny_folder("tiny"));
  for (const int threads : {1, 2, 3}) {
    const auto encoder = load_encoder(info, Precision::kF32, threads);
    const EncodeResult result = encode_patches(slide, plan, *encoder, with_threads(threads));
    ASSERT_EQ(result.features.rows, 1024);
    ASSERT_EQ(result.features.columns, 4);
    EXPECT_EQ(result.features.precision, "f32");
    EXPECT_EQ(result.features.feature_space, feature_space(info, plan));
    EXPECT_GT(result.seconds, 0);
    for (int64_t i = 0; i < 1024; ++i) {
      const patch::PatchRow& row = plan.rows[static_cast<size_t>(i)];
      const auto p = static_cast<float>(row.x_px / 4 % 8), q = static_cast<float>(row.y_px / 4 % 8);
      const float one = p + 2 * q + 0.25f, two = -p + q / 2 - 1;
      const std::vector<float> expected = {one, two, one, two};
      const auto found = result.features.row(i);
      ASSERT_EQ(std::vector<float>(found.begin(), found.end()), expected) << i;
    }
  }
}

TEST(EncodePatches, EmptyPlanIsAnEmptyMatrix) {
  const auto slide = std::make_shared<BlockSlide>();
  patch::PatchPlan plan = shuffled_plan(*slide);
  plan.rows.clear();
  const auto encoder = load_encoder(read_encoder_info(tiny_folder("tiny")), Precision::kF32, 1);
  const EncodeResult result = encode_patches(slide, plan, *encoder, with_threads(2));
  EXPECT_EQ(result.features.rows, 0);
  EXPECT_EQ(result.features.columns, 4);
  EXPECT_FALSE(result.features.feature_space.empty());
}

TEST(EncodePatches, ReportsFromTheCallersThreadUpToAll) {
  const auto slide = std::make_shared<BlockSlide>();
  const patch::PatchPlan plan = shuffled_plan(*slide);
  const auto encoder = load_encoder(read_encoder_info(tiny_folder("tiny")), Precision::kF32, 2);
  Context context = with_threads(2);
  std::vector<int64_t> done;
  const auto caller = std::this_thread::get_id();
  context.progress = [&](const Progress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(progress.step, "encode s1");
    EXPECT_EQ(progress.unit, "patches");
    EXPECT_EQ(progress.total, 1024);
    done.push_back(progress.done);
  };
  encode_patches(slide, plan, *encoder, context);
  ASSERT_GE(done.size(), 2u);
  EXPECT_EQ(done.front(), 0);
  EXPECT_EQ(done.back(), 1024);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(EncodePatches, ADamagedTileIsAnErrorThatNamesIt) {
  const auto slide = std::make_shared<BlockSlide>(true);
  const patch::PatchPlan plan = shuffled_plan(*slide);
  const auto encoder = load_encoder(read_encoder_info(tiny_folder("tiny")), Precision::kF32, 2);
  for (const int threads : {1, 2}) {
    expect_error(ErrorCode::kCorrupt, {"tile (3, 5) is damaged"},
                 [&] { encode_patches(slide, plan, *encoder, with_threads(threads)); });
  }
}

// Gives the count of calls before it as every feature; fails or cancels at one of them.
class ScriptedEncoder final : public Encoder {
 public:
  ScriptedEncoder(int64_t fail_at, CancelToken* cancel) : fail_at_(fail_at), cancel_(cancel) {
    info_ = read_encoder_info(tiny_folder("tiny"));
  }
  const EncoderInfo& info() const override { return info_; }
  Precision precision() const override { return Precision::kF32; }
  double compile_seconds() const override { return 0; }
  int64_t calls() const { return calls_; }

  void encode(std::span<const uint8_t>, int64_t, std::span<float> features,
              const Context&) override {
    if (calls_ == fail_at_ && cancel_) cancel_->request();
    if (calls_ == fail_at_ && !cancel_) throw Error(ErrorCode::kInternal, "scripted failure");
    std::fill(features.begin(), features.end(), static_cast<float>(calls_++));
  }

 private:
  EncoderInfo info_;
  int64_t fail_at_;
  CancelToken* cancel_;
  int64_t calls_ = 0;
};

TEST(EncodePatches, AFailureOfTheNetworkEndsTheExtractionToo) {
  const auto slide = std::make_shared<BlockSlide>();
  const patch::PatchPlan plan = shuffled_plan(*slide);
  for (const int threads : {1, 2}) {
    ScriptedEncoder encoder(1, nullptr);
    expect_error(ErrorCode::kInternal, {"scripted failure"},
                 [&] { encode_patches(slide, plan, encoder, with_threads(threads)); });
    EXPECT_EQ(encoder.calls(), 1);
  }
}

TEST(EncodePatches, CancellingEndsIt) {
  const auto slide = std::make_shared<BlockSlide>();
  const patch::PatchPlan plan = shuffled_plan(*slide);
  for (const int threads : {1, 2}) {
    Context context = with_threads(threads);
    ScriptedEncoder encoder(1, &context.cancel);
    expect_error(ErrorCode::kInterrupted, {},
                 [&] { encode_patches(slide, plan, encoder, context); });
    EXPECT_LT(encoder.calls(), 4);  // 4 chunks of 256 patches are the whole plan
  }
}

}  // namespace
}  // namespace lamella::encoder
