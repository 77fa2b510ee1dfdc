// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "lamella/storage/piece_key.h"

namespace lamella::storage {
namespace {

using List = std::vector<std::string>;

PlanKey plan() {
  PlanKey key;
  key.kind = "labelled";
  key.slide_id = "a";
  key.tissue.slide = "aaa";
  key.tissue.backend = "tiff";
  key.tissue.mpp = Mpp{0.5, 0.5};
  key.spec.size_px = 112;
  key.spec.mpp = 1.0;
  key.rule.emplace();
  key.rule->classes = {{"normal", "tumor"}};
  key.rule->rules = {{{}, true, {}}, {{"Tumor"}, false, {}}};
  key.annotations_sha256 = "bbb";
  return key;
}

std::string features(const PlanKey& plan, const std::string& encoder = "lite0") {
  return key_text(FeaturesKey{key_text(plan), encoder, "f32", "engine", FeatureType::kFloat32});
}

TEST(Changes, AreNoneOfEqualKeys) {
  EXPECT_EQ(changes(key_text(plan()), key_text(plan())), List());
  EXPECT_EQ(changes(features(plan()), features(plan())), List());
}

TEST(Changes, NameThePartThatDiffersHoweverDeepItLies) {
  const auto changed = [](const std::function<void(PlanKey&)>& change) {
    PlanKey fresh = plan();
    change(fresh);
    const List list = changes(key_text(plan()), key_text(fresh));
    EXPECT_EQ(changes(features(plan()), features(fresh)), list);
    const auto map_of = [](const PlanKey& key) {
      return key_text(HeatmapKey{{features(key), "m"}, {}, 1600, "bbb"});
    };
    EXPECT_EQ(changes(map_of(plan()), map_of(fresh)), list);
    return list;
  };
  EXPECT_EQ(changed([](PlanKey& key) { key.tissue.slide = "abc"; }), List({"the slide"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.spec.size_px = 224; }),
            List({"patches.size_px 112 -> 224"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.spec.level = 1; }), List({"patches.level none -> 1"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.tissue.options.mask_mpp = 4.5; }),
            List({"tissue.mask_mpp 8.0 -> 4.5"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.tissue.mpp->x = 0.25; }),
            List({"the slide's mpp 0.5 -> 0.25"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.annotations_sha256 = "ccc"; }),
            List({"the annotations"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.rule->seed = 8; }), List({"patches.seed 7 -> 8"}));
  EXPECT_EQ(changed([](PlanKey& key) { key.rule->rules[1].annotations = {"Tumour"}; }),
            List({"classes.annotations Tumor -> Tumour"}));
}

TEST(Changes, OfCentresAndGrids) {
  PlanKey centres = plan();
  centres.rule.reset();
  centres.classes = {{"normal", "tumor"}};
  centres.centres = {{1, centres_sha256({{"a", 10, 20, 1}})}};
  PlanKey moved = centres;
  moved.centres = {{1, centres_sha256({{"a", 10, 21, 1}})}};
  EXPECT_EQ(changes(key_text(centres), key_text(moved)), List({"the labelled centres"}));
  PlanKey grid = plan();
  grid.rule.reset();
  grid.grid.emplace();
  PlanKey finer = grid;
  finer.grid->stride_px = 56;
  EXPECT_EQ(changes(key_text(grid), key_text(finer)), List({"score.stride_px none -> 56.0"}));
}

TEST(Changes, OfATissueMaskAreThoseOfSlideAndOptions) {
  const TissueKey key = plan().tissue;
  TissueKey fresh = key;
  fresh.options.min_density = 0.1;
  EXPECT_EQ(changes(key_text(key), key_text(fresh)), List({"tissue.min_density 0.018 -> 0.1"}));
}

TEST(Changes, NameEachOnce) {
  PlanKey fresh = plan();
  fresh.tissue.slide = "abc";
  fresh.annotations_sha256 = "ccc";
  EXPECT_EQ(changes(features(plan(), "lite0"), features(fresh, "other")),
            List({"the encoder", "the annotations", "the slide"}));
}

TEST(Changes, OfVersionsAreNamed) {
  std::string old = key_text(plan());
  const std::string version = LAMELLA_VERSION;
  old.replace(old.find("\"" + version + "\""), version.size() + 2, "\"0.0.9\"");
  EXPECT_EQ(changes(old, key_text(plan())), List({"lamella's version 0.0.9 -> " + version}));
  EXPECT_EQ(changes("0123abc", key_text(plan())), List({"it is of an earlier lamella"}));
}

// A key that changes without need has every cohort encoded anew.
TEST(PieceKeys, AreWhatTheyWere) {
  const std::string version = LAMELLA_VERSION;
  EXPECT_EQ(key_text(plan().tissue),
            R"({"inputs":{"backend":"tiff","mpp":[0.5,0.5],"slide":"aaa","tissue":)"
            R"({"mask_max_px":1024,"mask_mpp":8.0,"max_air_um":190.0,"max_gap_um":80.0,)"
            R"("max_hole_um2":60000.0,"method":")" +
                std::string(tissue::kTissueMethod) +
                R"(","min_area_um2":40000.0,"min_density":0.018}},"lamella":")" + version + "\"}");
}

TEST(PieceKeys, AreOneLineOfAsciiWhateverTheNames) {
  PlanKey key = plan();
  key.slide_id = "Schnitt \xC3\xA4\n\xFF";
  const std::string text = key_text(key);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  for (const char c : text) EXPECT_TRUE(c >= ' ' && c < 127);
  EXPECT_NO_THROW(nlohmann::json::parse(text));
}

}  // namespace
}  // namespace lamella::storage
