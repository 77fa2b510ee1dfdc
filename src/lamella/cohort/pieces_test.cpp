// SPDX-License-Identifier: Apache-2.0
// The pieces of a slide, made without a study.
#include "lamella/cohort/pieces.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lamella/base/error.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/io/files.h"

namespace lamella::cohort {
namespace {

namespace fs = std::filesystem;
using List = std::vector<std::string>;

// A slide of 512 x 512 px at 1 µm: a purple square of 256 px in its middle, on white.
void write_slide(const std::string& path, uint8_t red = 150) {
  imagefile::TiffOptions options;
  options.mpp = Mpp{1, 1};
  imagefile::write_pyramid_tiff(
      path, {512, 512}, options, [&](const RectPx& rect, const MutableImageView& out) {
        for (int64_t y = 0; y < rect.height; ++y) {
          for (int64_t x = 0; x < rect.width; ++x) {
            const int64_t at_x = rect.x + x, at_y = rect.y + y;
            const bool inside = at_x >= 128 && at_x < 384 && at_y >= 128 && at_y < 384;
            uint8_t* pixel = out.row(static_cast<int>(y)) + 3 * x;
            pixel[0] = inside ? red : 255;
            pixel[1] = inside ? 60 : 255;
            pixel[2] = inside ? 160 : 255;
          }
        }
      });
}

class Pieces : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/lamella_pieces_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    write_slide(folder_ + "/a.tif");
    plans_.patches.size_px = 64;
    plans_.patches.mpp = 1.0;
    plans_.labels.rule.classes.names = {"normal", "tumor"};
    plans_.tissue.mask_mpp = 4;
    plans_.tissue.min_area_um2 = 100;
    entry_.slide_id = "a";
    entry_.path = folder_ + "/a.tif";
    entry_.role = Role::kTest;
    context_.notice = [this](const std::string& text) { notices_.push_back(text); };
    context_.warning = [this](const std::string& text) { warnings_.push_back(text); };
    const auto encoder = encoder::read_encoder_info(LAMELLA_SOURCE_DIR "/testdata/encoders/tiny");
    pieces_.emplace(PieceContext{plans_, encoding_, heatmap_, encoder, encoder::Precision::kF32,
                                 folder_ + "/out", "", 1.0});
    slide_ = open_cohort_slide(entry_, context_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  SlidePieces open() { return SlidePieces(*pieces_, *slide_, encoder_, context_); }
  PlanRequest grid() { return grid_request(*pieces_, *slide_, context_); }
  PlanRequest labelled() { return labelled_request(*pieces_, *slide_, context_); }
  std::string out(const std::string& name) const { return folder_ + "/out/" + name; }
  static List remade_pieces(const SlidePieces& pieces) {
    List names;
    for (const record::Remade& remade : pieces.report().remade) names.push_back(remade.piece);
    return names;
  }
  // A model that gives 0.5 + a little for every patch.
  FittedModel model_of(const FeaturesPiece& made) const {
    FittedModel fitted;
    classifier::LinearModel& model = fitted.model.classifier;
    model.classes = {{"normal", "tumor"}};
    model.weights = {0, 0, 0, 0};
    model.biases = {1};
    model.mean = {0, 0, 0, 0};
    model.scale = {1, 1, 1, 1};
    model.feature_space = made.features->feature_space();
    fitted.sha256 = "m";
    return fitted;
  }

  std::string folder_;
  PlanRules plans_;
  verbs::EncodingOptions encoding_;
  verbs::MapOptions heatmap_;
  SlideEntry entry_;
  Context context_;
  List notices_, warnings_;
  std::optional<PieceContext> pieces_;
  std::optional<CohortSlide> slide_;
  LazyEncoder encoder_;
};

TEST_F(Pieces, TheMaskIsMadeOnceAndServesEveryPlan) {
  SlidePieces first = open();
  const double fraction = first.tissue().tissue_fraction;
  EXPECT_NEAR(fraction, 0.25, 0.03);
  for (const char* name : {"tissue/a.png", "tissue/masks/a.png", "tissue/masks/a.png.key"}) {
    EXPECT_TRUE(io::exists(out(name))) << name;
  }
  // Nothing below reads the slide's pixels any more.
  fs::remove(entry_.path);
  SlidePieces second = open();
  EXPECT_EQ(second.tissue().tissue_fraction, fraction);
  EXPECT_EQ(second.tissue().downsample_x, first.tissue().downsample_x);
  const PlanPiece plan = second.plan(grid());
  EXPECT_EQ(plan.plan.rows.size(), 16u);
  pieces_->centres = {{{{"a", 256, 256, 1}, {"other", 10, 10, 2}}, 1, "list.txt"}};
  const PlanPiece centres = second.plan(labelled());
  ASSERT_EQ(centres.plan.rows.size(), 1u);
  EXPECT_EQ(centres.plan.rows[0].tissue_fraction, 1);
  EXPECT_TRUE(second.report().remade.empty());
}

TEST_F(Pieces, AMaskOfOtherOptionsOrDamagedIsMadeAgain) {
  open().tissue();
  plans_.tissue.min_area_um2 = 200;
  SlidePieces changed = open();
  changed.tissue();
  ASSERT_EQ(remade_pieces(changed), List{"tissue"});
  EXPECT_EQ(changed.report().remade[0].why, List{"tissue.min_area_um2 100.0 -> 200.0"});
  EXPECT_EQ(notices_, List{"slide 'a': tissue made again: tissue.min_area_um2 100.0 -> 200.0"});
  io::write_file_atomic(out("tissue/masks/a.png"), "no PNG");
  SlidePieces damaged = open();
  EXPECT_GT(damaged.tissue().tissue_fraction, 0.2);
  ASSERT_EQ(remade_pieces(damaged), List{"tissue"});
  EXPECT_EQ(damaged.report().remade[0].why, List{"it is damaged"});
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(Pieces, PlansAreFoundByTheirKeyAlone) {
  const PlanPiece made = open().plan(grid());
  EXPECT_EQ(storage::read_key(out("plans/grid/a.h5")), made.key);
  EXPECT_EQ(made.plan.geometry.effective_mpp, 1.0);
  SlidePieces again = open();
  EXPECT_EQ(again.plan(grid()).plan.rows, made.plan.rows);
  EXPECT_TRUE(again.report().remade.empty());
  EXPECT_FALSE(again.report().seconds.contains("plan"));
  plans_.grid.stride_px = 32;
  SlidePieces finer = open();
  EXPECT_GT(finer.plan(grid()).plan.rows.size(), made.plan.rows.size());
  EXPECT_EQ(remade_pieces(finer), List{"plans/grid"});
  EXPECT_EQ(finer.report().remade[0].why, List{"score.stride_px none -> 32.0"});
}

TEST_F(Pieces, AModelWithoutScaleGivesItsPlansNone) {
  plans_.patches.mpp.reset();
  plans_.patches.level = 0;
  pieces_->mpp.reset();
  EXPECT_FALSE(open().plan(grid()).plan.geometry.effective_mpp);
}

TEST_F(Pieces, AKeyOfCentresTakesThisSlidesRowsAlone) {
  const auto key = [&](std::vector<annotation::Centre> rows, int8_t label = 1) {
    pieces_->centres = {{std::move(rows), label, "list.txt"}};
    return storage::key_text(labelled().key);
  };
  const std::string base = key({{"a", 256, 256, 1}});
  EXPECT_EQ(key({{"a", 256, 256, 9}, {"b", 1, 1, 2}}), base);
  EXPECT_NE(key({{"a", 256, 257, 1}}), base);
  EXPECT_NE(key({{"a", 256, 256, 1}}, 0), base);
}

TEST_F(Pieces, FeaturesAreEncodedOnceAndScoredIntoAMap) {
  SlidePieces first = open();
  const FeaturesPiece made = first.features(grid());
  EXPECT_EQ(made.features->columns(), 4);
  EXPECT_EQ(first.report().patches, 16);
  EXPECT_EQ(first.report().patches_reused, 0);
  EXPECT_EQ(storage::read_key(first.features_path(grid())), made.key);
  EXPECT_EQ(made.key, first.features_key(grid()));

  SlidePieces second = open();
  const FeaturesPiece found = second.features(grid());
  EXPECT_EQ(second.report().patches_reused, 16);
  EXPECT_EQ(storage::read_all(*found.features).features.values,
            storage::read_all(*made.features).features.values);

  const FittedModel model = model_of(found);
  const ScoredGrid scored = second.scored(found, model);
  EXPECT_FLOAT_EQ(static_cast<float>(scored.slide_score.value()), 0.7310586f);  // 1 / (1 + 1 / e)
  EXPECT_EQ(scored.heatmap, out("heatmaps/a.png"));
  for (const char* name : {"heatmaps/a.png", "heatmaps/a.tiff", "scores/grid/a.csv"}) {
    EXPECT_TRUE(io::exists(out(name))) << name;
  }
  const auto drawn = fs::last_write_time(*scored.heatmap);
  SlidePieces third = open();
  third.scored(third.features(grid()), model);
  EXPECT_EQ(fs::last_write_time(*scored.heatmap), drawn);
  FittedModel other = model;
  other.sha256 = "n";
  third.scored(found, other);
  EXPECT_EQ(remade_pieces(third), List{"heatmaps"});
  EXPECT_EQ(third.report().remade[0].why, List{"the model"});
}

TEST_F(Pieces, ASlideThatWasChangedSinceIsRefused) {
  write_slide(entry_.path, 151);
  SlidePieces pieces = open();
  try {
    pieces.tissue();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
  }
  EXPECT_FALSE(io::exists(out("tissue/masks/a.png")));
}

TEST_F(Pieces, ASlideWithoutTheAnnotationsThatTheStudyNeedsIsRefused) {
  plans_.labels.rule.rules = {{{"normal"}}, {{"tumor"}}};
  EXPECT_THROW(add_annotations(plans_, "slides.csv", *slide_, context_), Error);
  slide_->entry.role = Role::kScore;
  EXPECT_NO_THROW(add_annotations(plans_, "slides.csv", *slide_, context_));
}

}  // namespace
}  // namespace lamella::cohort
