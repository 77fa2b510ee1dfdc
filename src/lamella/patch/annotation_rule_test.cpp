// SPDX-License-Identifier: Apache-2.0
// More than two classes by annotations, and what a rule may not say.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "lamella/base/error.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {
namespace {

slide::SlideInfo slide_of(int64_t width, int64_t height) {
  slide::SlideInfo info;
  info.path = "s.tif";
  info.levels.resize(1);
  info.levels[0].size_px = {width, height};
  info.levels[0].downsample_x = info.levels[0].downsample_y = 1;
  return info;
}

annotation::Polygon box(const std::string& group, double x, double y, double w, double h) {
  return {"", group, {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}};
}

annotation::AnnotationSet drawn(std::vector<annotation::Polygon> polygons) {
  annotation::AnnotationSet set;
  set.path = "a.xml";
  for (const auto& polygon : polygons) {
    if (std::find(set.groups.begin(), set.groups.end(), polygon.group) == set.groups.end()) {
      set.groups.push_back(polygon.group);
    }
  }
  set.polygons = std::move(polygons);
  return set;
}

const ClassTable kThree{{"stroma", "tumor", "necrosis"}};

AnnotationRule three() {
  AnnotationRule rule;
  rule.classes = kThree;
  rule.rules = {{{"S"}, false, {}}, {{"T"}, false, {}}, {{"N"}, false, {}}};
  return rule;
}

// Labels of the patches of 100 px along a slide of one row, by their column; -1 where none was
// taken.
std::vector<int> labels_along(const AnnotationRule& rule, const annotation::AnnotationSet& set,
                              std::vector<std::string>* warnings = nullptr) {
  const auto info = slide_of(600, 100);
  const PatchPlan plan =
      plan_from_annotations(info, "s", {100, 0, {}}, tissue::all_tissue(info), set, rule);
  EXPECT_EQ(plan.classes, rule.classes);
  std::vector<int> labels(6, kNoLabel);
  for (const PatchRow& row : plan.rows) labels[static_cast<size_t>(row.x_px / 100)] = row.label;
  if (warnings) *warnings = plan.warnings;
  return labels;
}

TEST(ThreeClasses, EachByItsOwnPolygons) {
  const auto set =
      drawn({box("S", 0, 0, 100, 100), box("T", 100, 0, 200, 100), box("N", 400, 0, 90, 100)});
  EXPECT_EQ(labels_along(three(), set), (std::vector<int>{0, 1, 1, -1, 2, -1}));
}

TEST(ThreeClasses, WhereTwoOverlapNeitherIsTakenUnlessOneWins) {
  // Necrosis inside the tumour, columns 1 and 2; half of column 3 is necrosis, the rest tumour.
  const auto set =
      drawn({box("S", 500, 0, 100, 100), box("T", 0, 0, 400, 100), box("N", 100, 0, 250, 100)});
  std::vector<std::string> warnings;
  EXPECT_EQ(labels_along(three(), set, &warnings), (std::vector<int>{1, -1, -1, 1, -1, 0}));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0], "no patch is covered by polygons of class 'necrosis' to 75 %");
  EXPECT_EQ(warnings[1],
            "2 patches are covered by polygons of two classes and left out; wins_over tells which "
            "one they are of");

  AnnotationRule rule = three();
  rule.rules[2].wins_over = {"tumor"};
  // Column 3: tumour less necrosis covers half, and necrosis half.
  EXPECT_EQ(labels_along(rule, set, &warnings), (std::vector<int>{1, 2, 2, -1, -1, 0}));
  EXPECT_TRUE(warnings.empty());
}

TEST(ThreeClasses, APatchAtTheRimOfALoserIsNotTheWinners) {
  // Column 0: 80 % necrosis, 20 % of what is left of the tumour.
  const auto set =
      drawn({box("S", 500, 0, 100, 100), box("T", 0, 0, 100, 100), box("N", 0, 0, 80, 100)});
  AnnotationRule rule = three();
  rule.rules[2].wins_over = {"tumor"};
  EXPECT_EQ(labels_along(rule, set)[0], -1);
  rule.rules[2].wins_over = {"stroma"};
  // 80 % necrosis and all tumour: both claim it.
  EXPECT_EQ(labels_along(rule, set)[0], -1);
}

TEST(ThreeClasses, OneTakesTheRestOfTheTissue) {
  const auto set = drawn({box("T", 100, 0, 100, 100), box("N", 290, 0, 20, 100)});
  AnnotationRule rule = three();
  rule.rules[0] = {{}, true, {}};
  EXPECT_EQ(labels_along(rule, set), (std::vector<int>{0, 1, -1, -1, 0, 0}))
      << "necrosis touches columns 2 and 3";
}

TEST(ThreeClasses, ShareTheRows) {
  const auto info = slide_of(10'000, 1000);  // 1,000 candidates of 100 px
  const auto count = [&](double stroma, double tumour, double necrosis, int most) {
    AnnotationRule rule = three();
    rule.max_per_slide = most;
    const PatchPlan plan = plan_from_annotations(
        info, "s", {100, 0, {}}, tissue::all_tissue(info),
        drawn({box("S", 0, 0, stroma, 1000), box("T", stroma, 0, tumour, 1000),
               box("N", stroma + tumour, 0, necrosis, 1000)}),
        rule);
    std::vector<int64_t> counts(3, 0);
    for (const PatchRow& row : plan.rows) ++counts[static_cast<size_t>(row.label)];
    return counts;
  };
  using Counts = std::vector<int64_t>;
  EXPECT_EQ(count(3000, 3000, 4000, 90), (Counts{30, 30, 30}));
  EXPECT_EQ(count(3000, 3000, 4000, 92), (Counts{30, 31, 31}));
  // 10 of necrosis: 40 and 40 are left for the others.
  EXPECT_EQ(count(3000, 3000, 100, 90), (Counts{40, 40, 10}));
  // 10 and 20: all else is tumour.
  EXPECT_EQ(count(200, 5000, 100, 90), (Counts{20, 60, 10}));
  EXPECT_EQ(count(200, 300, 100, 90), (Counts{20, 30, 10})) << "all there are";
}

TEST(Centres, NameTheirClasses) {
  const auto info = slide_of(500, 500);
  const CentreLists lists{kThree, {{{{"s", 100, 100, 1}}, 2, "n.txt"}}};
  const PatchPlan plan = plan_from_centres(info, "s", {50, 0, {}}, tissue::all_tissue(info), lists);
  EXPECT_EQ(plan.classes, kThree);
  EXPECT_EQ(plan.rows.at(0).label, 2);
  CentreLists wrong = lists;
  wrong.lists[0].label = 3;
  try {
    plan_from_centres(info, "s", {50, 0, {}}, tissue::all_tissue(info), wrong);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "n.txt: found the label 3, expected 0 to 2 (stroma, tumor, necrosis)");
  }
}

TEST(AnnotationRule, RefusesNonsense) {
  EXPECT_NO_THROW(three().validate());
  const auto message = [](const auto& change) {
    AnnotationRule rule = three();
    change(rule);
    try {
      rule.validate();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.message();
    }
    return std::string();
  };
  EXPECT_NE(message([](auto& rule) { rule.min_coverage = 0; }), "");
  EXPECT_NE(message([](auto& rule) { rule.min_tissue = 2; }), "");
  EXPECT_NE(message([](auto& rule) { rule.max_per_slide = 0; }), "");
  EXPECT_NE(message([](auto& rule) { rule.classes.names[1] = "stroma"; }), "");
  EXPECT_NE(message([](auto& rule) { rule.rules.pop_back(); }), "");
  EXPECT_NE(message([](auto& rule) {
              rule.rules[1].annotations = {"S"};
            }).find("'S' in the classes 'stroma' and 'tumor'"),
            std::string::npos);
  EXPECT_EQ(message([](auto& rule) { rule.rules[1].annotations.clear(); }), "")
      << "a slide may have none of a class";
  EXPECT_NE(message([](auto& rule) {
              for (ClassRule& one : rule.rules) one.annotations.clear();
            }).find("no annotation groups"),
            std::string::npos);
  EXPECT_NE(message([](auto& rule) {
              rule.rules[0].rest_of_tissue = rule.rules[1].rest_of_tissue = true;
            }).find("'stroma' and 'tumor'"),
            std::string::npos);
  EXPECT_NE(message([](auto& rule) {
              rule.rules[0].wins_over = {"tumour"};
            }).find("did you mean 'tumor'?"),
            std::string::npos);
  EXPECT_NE(message([](auto& rule) { rule.rules[0].wins_over = {"stroma"}; }), "");
  EXPECT_NE(message([](auto& rule) {
              rule.rules[0].wins_over = {"tumor"};
              rule.rules[1].wins_over = {"stroma"};
            }).find("the other way round"),
            std::string::npos);
}

}  // namespace
}  // namespace lamella::patch
