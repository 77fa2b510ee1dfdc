// SPDX-License-Identifier: Apache-2.0
#include "lamella/storage/changes.h"

#include <gtest/gtest.h>

namespace lamella::storage {
namespace {

using List = std::vector<std::string>;

nlohmann::json plan_inputs() {
  return {{"slide", "aaa"},
          {"spec", {{"size_px", 112}, {"mpp", 1.0}}},
          {"tissue", {{"mask_mpp", 8.0}}},
          {"inputs", {{{"rule", {{"positive", {"Tumor"}}, {"seed", 7}}}, {"annotations", "bbb"}}}}};
}

std::string features_key(const nlohmann::json& plan, const std::string& encoder = "lite0") {
  return piece_key({{"plan", nlohmann::json::parse(piece_key(plan))}, {"encoder", encoder}});
}

TEST(Changes, AreNoneOfEqualKeys) {
  EXPECT_EQ(changes(piece_key(plan_inputs()), piece_key(plan_inputs())), List());
}

TEST(Changes, NameThePartThatDiffersHoweverDeepItLies) {
  const nlohmann::json old = plan_inputs();
  const auto changed = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json fresh = old;
    fresh[nlohmann::json::json_pointer(pointer)] = value;
    const List list = changes(piece_key(old), piece_key(fresh));
    EXPECT_EQ(changes(features_key(old), features_key(fresh)), list);
    return list;
  };
  EXPECT_EQ(changed("/slide", "abc"), List({"the slide"}));
  EXPECT_EQ(changed("/spec/size_px", 224), List({"patches.size_px 112 -> 224"}));
  EXPECT_EQ(changed("/spec/level", 1), List({"patches.level none -> 1"}));
  EXPECT_EQ(changed("/tissue/mask_mpp", 4.5), List({"tissue.mask_mpp 8.0 -> 4.5"}));
  EXPECT_EQ(changed("/inputs/0/annotations", "ccc"), List({"the annotations"}));
  EXPECT_EQ(changed("/inputs/0/rule/seed", 8), List({"patches.from_annotations.seed 7 -> 8"}));
  EXPECT_EQ(changed("/inputs/0/rule/positive/0", "Tumour"),
            List({"patches.from_annotations.positive Tumor -> Tumour"}));
}

TEST(Changes, NameEachOnce) {
  nlohmann::json fresh = plan_inputs();
  fresh["slide"] = "abc";
  fresh["inputs"][0]["annotations"] = "ccc";
  EXPECT_EQ(changes(features_key(plan_inputs(), "lite0"), features_key(fresh, "other")),
            List({"the encoder", "the annotations", "the slide"}));
}

TEST(Changes, OfVersionsAreNamed) {
  std::string old = piece_key(plan_inputs());
  const std::string version = LAMELLA_VERSION;
  old.replace(old.find("\"" + version + "\""), version.size() + 2, "\"0.0.9\"");
  EXPECT_EQ(changes(old, piece_key(plan_inputs())),
            List({"lamella's version 0.0.9 -> " + version}));
  EXPECT_EQ(changes("0123abc", piece_key(plan_inputs())), List({"it is of an earlier lamella"}));
}

TEST(Changes, KeysAreOneLineOfAsciiWhateverTheNames) {
  const std::string key = piece_key({{"slide_id", "Schnitt \xC3\xA4\n\xFF"}});
  EXPECT_EQ(key.find('\n'), std::string::npos);
  for (const char c : key) EXPECT_TRUE(c >= ' ' && c < 127);
}

}  // namespace
}  // namespace lamella::storage
