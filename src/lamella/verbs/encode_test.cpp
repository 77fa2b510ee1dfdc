// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/io/files.h"
#include "lamella/storage/feature_spool.h"
#include "lamella/testing/memory_slide.h"
#include "lamella/testing/temporary_folder.h"
#include "lamella/verbs/score_features.h"

namespace lamella::verbs {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 512, kPatch = 4;
constexpr int64_t kRows = int64_t{kSide / kPatch} * (kSide / kPatch);  // 16,384: four pieces
constexpr int64_t kBatch = 256;

// Every patch has colours of its own.
std::shared_ptr<const slide::Slide> grid_slide() {
  Image image(kSide, kSide);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<uint8_t>(x / kPatch);
      pixel[1] = static_cast<uint8_t>(y / kPatch);
      pixel[2] = 7;
    }
  }
  std::vector<Image> levels;
  levels.push_back(std::move(image));
  return std::make_shared<test::MemorySlide>(std::move(levels), std::nullopt);
}

patch::PatchPlan grid_plan(const slide::Slide& slide) {
  patch::PatchPlan plan;
  plan.slide_id = "grid";
  plan.slide_fingerprint = slide.info().fingerprint;
  plan.spec = {.size_px = kPatch, .level = 0};
  plan.geometry = patch::resolve_geometry(plan.spec, slide.info());
  for (int y = 0; y < kSide; y += kPatch) {
    for (int x = 0; x < kSide; x += kPatch) plan.rows.push_back({.x_px = x, .y_px = y});
  }
  return plan;
}

// What no handler of Error sees: as if the process were gone.
struct Killed {};

// Three numbers of the patch's colours; is killed (or cancelled) at a call.
class ColourEncoder final : public encoder::Encoder {
 public:
  explicit ColourEncoder(int64_t die_at = -1, CancelToken* cancel = nullptr)
      : die_at_(die_at), cancel_(cancel) {
    info_.name = "colours";
    info_.sha256 = "0";
    info_.input_px = kPatch;
    info_.colour_order = "rgb";
    info_.mean = info_.std = {1, 1, 1};
    info_.dimension = 3;
  }
  const encoder::EncoderInfo& info() const override { return info_; }
  encoder::Precision precision() const override { return encoder::Precision::kF32; }
  double compile_seconds() const override { return 0; }
  int64_t patches() const { return patches_; }

  void encode(std::span<const uint8_t> pixels, int64_t n, std::span<float> features,
              const Context& context) override {
    if (patches_ / kBatch == die_at_ && !cancel_) throw Killed();
    if (patches_ / kBatch == die_at_) cancel_->request();
    context.cancel.check();
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* pixel = pixels.data() + i * kPatch * kPatch * 3;
      float* row = features.data() + 3 * i;
      row[0] = static_cast<float>(pixel[0]) / 3;
      row[1] = std::sqrt(static_cast<float>(pixel[1]));
      row[2] = static_cast<float>(pixel[0]) * 1000 + pixel[1];
    }
    patches_ += n;
  }

 private:
  encoder::EncoderInfo info_;
  int64_t die_at_;
  CancelToken* cancel_;
  int64_t patches_ = 0;
};

class EncodeFile : public ::testing::Test {
 protected:
  void SetUp() override {
    slide_ = grid_slide();
    plan_ = grid_plan(*slide_);
    options_.key = "key";
    context_.threads = 2;
    run(ColourEncoder(), "whole.h5");
    whole_ = io::read_text_file(at("whole.h5"));
  }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }
  EncodedFile run(ColourEncoder encoder, const std::string& name = "f.h5") {
    return encode_file(slide_, plan_, encoder, options_, at(name), context_);
  }
  void run_and_die(int64_t after_batches) {
    EXPECT_THROW(run(ColourEncoder(after_batches)), Killed);
  }
  void expect_whole() {
    EXPECT_TRUE(io::read_text_file(at("f.h5")) == whole_) << "the file has other bytes";
    EXPECT_FALSE(io::exists(at("f.h5.part")));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
  }

  test::TemporaryFolder own_;
  std::string folder_ = own_.path(), whole_;
  std::shared_ptr<const slide::Slide> slide_;
  patch::PatchPlan plan_;
  EncodeFileOptions options_;
  Context context_;
};

TEST_F(EncodeFile, HoldsTheSameAsInMemory) {
  ColourEncoder encoder;
  const auto expected = encode_slide(slide_, plan_, encoder, {}, context_).features;
  EXPECT_EQ(expected.values,
            encoder::encode_patches(slide_, plan_, encoder, context_).features.values);
  const storage::FeatureFile found = storage::read_features(at("whole.h5"));
  EXPECT_EQ(found.features.values, expected.values);
  EXPECT_EQ(found.features.feature_space, expected.feature_space);
  EXPECT_EQ(found.plan.rows, plan_.rows);
}

TEST_F(EncodeFile, GoesOnAfterThreeKillsToTheSameBytes) {
  context_.threads = 1;
  run_and_die(16);  // at a piece's bound: 4,096 rows are there
  EXPECT_TRUE(io::exists(at("f.h5.part")));
  run_and_die(16 + 5);  // the first piece is found, one more written, 5 batches lost
  run_and_die(3);       // inside a piece: nothing new
  std::vector<std::string> notes;
  context_.notice = [&](const std::string& note) { notes.push_back(note); };
  context_.threads = 2;
  const EncodedFile encoded = run(ColourEncoder());
  EXPECT_EQ(encoded.resumed, 8192);
  EXPECT_EQ(encoded.patches, kRows - 8192);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "encode grid: goes on, 8192 of 16384 patches are done");
  expect_whole();
}

TEST_F(EncodeFile, LosesNothingWhenCancelled) {
  ColourEncoder encoder(5, &context_.cancel);
  EXPECT_THROW(encode_file(slide_, plan_, encoder, options_, at("f.h5"), context_), Error);
  context_.cancel = CancelToken();
  EXPECT_EQ(run(ColourEncoder()).resumed, 5 * kBatch);
  expect_whole();
}

TEST_F(EncodeFile, DoesADamagedPieceAgain) {
  run_and_die(48);  // three pieces
  const std::string part = io::read_text_file(at("f.h5.part"));
  const auto edited = [&](size_t place, char value) {
    std::string bytes = part;
    bytes[place] = value;
    return bytes;
  };
  const size_t piece = part.size() / 3;
  for (const auto& [bytes, rows] : std::vector<std::pair<std::string, int64_t>>{
           {part.substr(0, part.size() - 1), 8192},    // cut in the last hash
           {part.substr(0, piece + piece / 2), 4096},  // cut in the second piece
           {part.substr(0, 10), 0},                    // cut in the header
           {"", 0},
           {edited(piece + piece / 2, '!'), 4096},              // a number of the second piece
           {edited(part.size() - 30, '!'), 8192},               // the last hash
           {edited(piece / 2, '!'), 0},                         // the first piece
           {part + std::string(1000, '\0'), 3 * 4096},          // room that was never filled
           {part + part.substr(part.size() - piece), 3 * 4096}  // rows that are there already
       }) {
    io::write_file_atomic(at("f.h5.part"), bytes);
    EXPECT_EQ(run(ColourEncoder()).resumed, rows) << bytes.size();
    expect_whole();
    fs::remove(at("f.h5"));
  }
}

TEST_F(EncodeFile, ForgetsThePiecesOfAnotherKey) {
  run_and_die(20);
  options_.key = "another";
  EXPECT_EQ(run(ColourEncoder()).resumed, 0);
  EXPECT_EQ(storage::read_features(at("f.h5")).features.values,
            storage::read_features(at("whole.h5")).features.values);
}

TEST_F(EncodeFile, FindsWhatIsDoneByPlanAndEncoderWhereNoKeyIsGiven) {
  options_.key.clear();
  run_and_die(20);
  patch::PatchPlan other = plan_;
  other.rows[0].x_px += 1;
  std::swap(other, plan_);
  EXPECT_EQ(run(ColourEncoder()).resumed, 0) << "of another plan";
  fs::remove(at("f.h5"));
  std::swap(other, plan_);
  run_and_die(20);
  EXPECT_EQ(run(ColourEncoder()).resumed, 4096);
  EXPECT_FALSE(storage::read_key(at("f.h5")));
}

TEST_F(EncodeFile, RefusesThePlanOfAnotherSlide) {
  plan_.slide_fingerprint = "another";
  ColourEncoder encoder;
  EXPECT_THROW(encode_slide(slide_, plan_, encoder, {}, context_), Error);
  EXPECT_THROW(run(ColourEncoder()), Error);
  EXPECT_FALSE(io::exists(at("f.h5.part")));
}

TEST_F(EncodeFile, RefusesWhatAnotherProcessWrites) {
  storage::FeatureSpool other(at("f.h5"), "key", kRows, 3);
  try {
    run(ColourEncoder());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another process is writing"), std::string::npos);
  }
}

TEST_F(EncodeFile, LeavesNoPartWithoutARow) {
  { const storage::FeatureSpool spool(at("f.h5"), "key", kRows, 3); }
  EXPECT_FALSE(io::exists(at("f.h5.part")));
}

TEST_F(EncodeFile, StoresFloat16ThatIsNearest) {
  options_.type = storage::FeatureType::kFloat16;
  // The third number stays below 65,504.
  std::erase_if(plan_.rows, [](const patch::PatchRow& row) { return row.x_px >= 60 * kPatch; });
  run(ColourEncoder());
  EXPECT_LT(fs::file_size(at("f.h5")), fs::file_size(at("whole.h5")));
  const auto found = storage::read_features(at("f.h5")).features;
  for (int64_t i = 0; i < found.rows; ++i) {
    const double exact = static_cast<double>(plan_.rows[static_cast<size_t>(i)].x_px / kPatch) / 3;
    EXPECT_LE(std::abs(found.row(i)[0] - exact), exact / 2048);  // 11 bits
  }
  EXPECT_EQ(found.row(1)[0], 0.333251953125f);  // 1 / 3 in IEEE 754 binary16
}

TEST_F(EncodeFile, SaysWhichNumberFloat16CannotHold) {
  options_.type = storage::FeatureType::kFloat16;
  try {
    run(ColourEncoder());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kLimit);
    EXPECT_NE(std::string(error.what()).find("row 66, column 2: found 66000"), std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(io::exists(at("f.h5")));
}

TEST_F(EncodeFile, IsScoredPieceByPieceToTheSameBits) {
  classifier::LinearModel model;
  model.weights = {0.3, -0.2, 1e-5};
  model.mean = {1, 2, 3};
  model.scale = {1, 2, 4};
  const storage::FeatureFile file = storage::read_features(at("whole.h5"));
  model.feature_space = file.features.feature_space;
  const storage::FeatureReader reader(at("whole.h5"));
  EXPECT_EQ(score_features(reader, model).values,
            classifier::score_patches(file.features, model).values);
  model.feature_space = "other";
  EXPECT_THROW(score_features(reader, model), Error);
}

}  // namespace
}  // namespace lamella::verbs
