// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include "lamella/base/error.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {
namespace {

slide::SlideInfo slide_of(int64_t width, int64_t height, std::vector<double> downsamples = {1},
                          std::optional<Mpp> mpp = {}) {
  slide::SlideInfo info;
  info.path = "s.tif";
  info.fingerprint = "f";
  for (const double d : downsamples) {
    slide::LevelInfo level;
    level.size_px = {std::llround(double(width) / d), std::llround(double(height) / d)};
    level.downsample_x = d;
    level.downsample_y = d;
    info.levels.push_back(level);
  }
  info.mpp = mpp;
  if (mpp) info.mpp_source = slide::MppSource::kVendor;
  return info;
}

const ClassTable kTwo{{"normal", "tumor"}};

// Two classes of which the first wins over the second.
AnnotationRule two_classes(std::vector<std::string> second, std::vector<std::string> first = {},
                           bool rest = false) {
  AnnotationRule rule;
  rule.classes = kTwo;
  rule.rules = {{std::move(first), rest, {"tumor"}}, {std::move(second), false, {}}};
  return rule;
}

PatchSpec at_level(int size_px, int level = 0) { return {size_px, level, {}}; }
PatchSpec at_mpp(int size_px, double mpp) { return {size_px, {}, mpp}; }

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {ErrorCode::kInternal, ""};
}

TEST(PatchSpec, RefusesNonsense) {
  EXPECT_THROW(PatchSpec({0, 0, {}}).validate(), Error);
  EXPECT_THROW(PatchSpec({20000, 0, {}}).validate(), Error);
  EXPECT_THROW(PatchSpec({50, {}, {}}).validate(), Error);
  EXPECT_THROW(PatchSpec({50, 0, 0.5}).validate(), Error);
  EXPECT_THROW(PatchSpec({50, -1, {}}).validate(), Error);
  EXPECT_THROW(PatchSpec({50, {}, 0.0}).validate(), Error);
  EXPECT_THROW(PatchSpec({50, {}, std::nan("")}).validate(), Error);
  EXPECT_NO_THROW(at_level(50).validate());
  EXPECT_NO_THROW(at_mpp(50, 0.5).validate());
}

TEST(Geometry, ByLevelIsNativePixels) {
  const auto info = slide_of(1000, 800, {1, 4}, Mpp{0.5, 0.5});
  const PatchGeometry fine = resolve_geometry(at_level(50), info);
  EXPECT_EQ(fine.level, 0);
  EXPECT_EQ(fine.extent_x_px, 50);
  EXPECT_EQ(fine.level_extent_y_px, 50);
  EXPECT_EQ(fine.effective_mpp, 0.5);
  EXPECT_EQ(fine.slide_size_px, (SizePx{1000, 800}));
  const PatchGeometry coarse = resolve_geometry(at_level(50, 1), info);
  EXPECT_EQ(coarse.extent_x_px, 200);
  EXPECT_EQ(coarse.level_extent_x_px, 50);
  EXPECT_EQ(coarse.effective_mpp, 2.0);
  EXPECT_EQ(resolve_geometry(at_level(50), slide_of(10, 10)).effective_mpp, std::nullopt);
  const Error error = error_of([&] { resolve_geometry(at_level(50, 2), info); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_NE(error.message().find("0 to 1"), std::string::npos);
}

TEST(Geometry, ByMppTakesTheCoarsestLevelThatIsFineEnough) {
  const auto info = slide_of(8000, 8000, {1, 4, 16}, Mpp{0.25, 0.25});
  const PatchGeometry geometry = resolve_geometry(at_mpp(100, 2), info);
  EXPECT_EQ(geometry.level, 1) << "1 um/px is below 2, 4 is not";
  EXPECT_DOUBLE_EQ(geometry.extent_x_px, 800);
  EXPECT_DOUBLE_EQ(geometry.level_extent_x_px, 200);
  EXPECT_EQ(geometry.effective_mpp, 2.0);
  const PatchGeometry enlarged = resolve_geometry(at_mpp(100, 0.125), info);
  EXPECT_EQ(enlarged.level, 0);
  EXPECT_DOUBLE_EQ(enlarged.level_extent_x_px, 50);
}

TEST(Geometry, ByMppIsTheSameFieldOfViewWhateverTheLevels) {
  const auto one = resolve_geometry(at_mpp(64, 4), slide_of(8000, 8000, {1}, Mpp{0.5, 0.5}));
  const auto two = resolve_geometry(at_mpp(64, 4), slide_of(8000, 8000, {1, 2.5}, Mpp{0.5, 0.5}));
  const auto three = resolve_geometry(at_mpp(64, 4), slide_of(8000, 8000, {1, 8}, Mpp{0.5, 0.5}));
  for (const PatchGeometry& g : {one, two, three}) {
    EXPECT_DOUBLE_EQ(g.extent_x_px, 512);
    EXPECT_DOUBLE_EQ(g.extent_y_px, 512);
    EXPECT_EQ(g.effective_mpp, 4.0);
  }
  EXPECT_DOUBLE_EQ(one.level_extent_x_px, 512);
  EXPECT_DOUBLE_EQ(two.level_extent_x_px, 204.8);
  EXPECT_DOUBLE_EQ(three.level_extent_x_px, 64);
}

TEST(Geometry, ALevelWithinOnePercentIsTakenAsItIs) {
  const PatchGeometry geometry =
      resolve_geometry(at_mpp(299, 0.5), slide_of(8000, 8000, {1}, Mpp{0.499, 0.4985}));
  EXPECT_EQ(geometry.level_extent_x_px, 299);
  EXPECT_EQ(geometry.extent_x_px, 299);
  EXPECT_NEAR(*geometry.effective_mpp, 0.49875, 1e-12) << "and the record says so";
}

TEST(Geometry, EachAxisHasItsOwnScale) {
  const PatchGeometry geometry =
      resolve_geometry(at_mpp(100, 2), slide_of(8000, 8000, {1}, Mpp{0.5, 0.52}));
  EXPECT_DOUBLE_EQ(geometry.extent_x_px, 400);
  EXPECT_DOUBLE_EQ(geometry.extent_y_px, 200 / 0.52);
}

TEST(Geometry, MppThatCannotBeUsed) {
  const Error none = error_of([] { resolve_geometry(at_mpp(50, 1), slide_of(100, 100)); });
  EXPECT_EQ(none.code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(none.message().find("`slide_mpp`"), std::string::npos);
  EXPECT_EQ(none.path(), "s.tif");
  const auto stretched = slide_of(100, 100, {1}, Mpp{0.5, 0.6});
  EXPECT_EQ(error_of([&] { resolve_geometry(at_mpp(50, 1), stretched); }).code(),
            ErrorCode::kInvalidArgument);
  EXPECT_NO_THROW(resolve_geometry(at_level(50), stretched));
}

TEST(Centres, TopLeftIsTheCentreLessHalfTheExtent) {
  const auto info = slide_of(5000, 5000, {1, 4});
  const tissue::TissueMask mask = tissue::all_tissue(info);
  const CentreLists lists = {
      kTwo,
      {{{{"S1", 1000, 2000, 1}, {"other", 9999, 9999, 2}, {"s1", 1000.9, 2000.2, 3}}, 1, "t.txt"},
       {{{"s1", 500, 600, 1}}, 0, "n.txt"}}};
  const PatchPlan plan = plan_from_centres(info, "s1", at_level(299), mask, lists);
  ASSERT_EQ(plan.rows.size(), 3u);
  EXPECT_EQ(plan.rows[0], (PatchRow{851, 1851, 1, 1, 1}));
  EXPECT_EQ(plan.rows[1], (PatchRow{851, 1851, 1, 1, 1}));
  EXPECT_EQ(plan.rows[2], (PatchRow{351, 451, 1, 0, 1}));
  EXPECT_TRUE(plan.warnings.empty());
  EXPECT_EQ(plan.slide_id, "s1");
  EXPECT_EQ(plan.slide_path, "s.tif");
  EXPECT_EQ(plan.slide_fingerprint, "f");
  EXPECT_EQ(plan.stride_px, std::nullopt);
  EXPECT_EQ(plan.mpp_source, "none");
  const PatchPlan coarse = plan_from_centres(info, "s1", at_level(299, 1), mask, lists);
  EXPECT_EQ(coarse.rows[0].x_px, 1000 - 598) << "half of 299 * 4 level-0 px";
}

TEST(Centres, OutsideTheSlideIsAnError) {
  const auto info = slide_of(500, 400);
  for (const PointF p : {PointF{500, 10}, PointF{10, 400}, PointF{-0.5, 10}, PointF{10, -3}}) {
    const Error error = error_of([&] {
      plan_from_centres(info, "s", at_level(50), tissue::all_tissue(info),
                        {kTwo, {{{{"S", p.x, p.y, 17}}, 1, "tumor.txt"}}});
    });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.path(), "tumor.txt");
    EXPECT_NE(error.message().find("line 17"), std::string::npos);
    EXPECT_NE(error.message().find("500 x 400"), std::string::npos);
  }
  const Error error = error_of([&] {
    plan_from_centres(info, "s", at_level(50), tissue::all_tissue(info),
                      {kTwo, {{{{"S", 500, 10, 17}}, 1, "tumor.txt"}}});
  });
  EXPECT_NE(error.message().find("(500, 10)"), std::string::npos) << error.message();
}

TEST(Centres, PatchesPartlyOutsideAreKeptAndCounted) {
  const auto info = slide_of(200, 100);
  const PatchPlan plan = plan_from_centres(
      info, "s", at_level(40), tissue::all_tissue(info),
      {kTwo, {{{{"s", 0, 50, 1}, {"s", 199, 99, 2}, {"s", 100, 50, 3}}, 1, "t"}}});
  ASSERT_EQ(plan.rows.size(), 3u);
  EXPECT_EQ(plan.rows[0].x_px, -20);
  EXPECT_FLOAT_EQ(plan.rows[0].inside_fraction, 0.5f);
  EXPECT_FLOAT_EQ(plan.rows[0].tissue_fraction, 0.5f) << "outside is no tissue";
  EXPECT_FLOAT_EQ(plan.rows[1].inside_fraction, 21.0f * 21 / 1600);
  EXPECT_EQ(plan.rows[2].inside_fraction, 1);
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0], "2 of 3 patches reach outside the slide, where they are white");
}

TEST(Centres, NoneOfThisSlideIsAWarning) {
  const auto info = slide_of(200, 100);
  const PatchPlan plan =
      plan_from_centres(info, "s", at_level(40), tissue::all_tissue(info), {kTwo, {{{}, 1, "t"}}});
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0],
            "no patches: the lists hold no centre of slide 's'; tissue is 100.00 % of the slide");
}

TEST(Plans, ASlideSmallerThanAPatchIsAnError) {
  const auto info = slide_of(298, 1000);
  const auto mask = tissue::all_tissue(info);
  const AnnotationRule rule = two_classes({"t"}, {}, true);
  for (const auto& action : std::vector<std::function<void()>>{
           [&] { plan_grid(info, "s", at_level(299), mask, {}); },
           [&] {
             plan_from_centres(info, "s", at_level(299), mask, {kTwo, {}});
           },
           [&] { plan_from_annotations(info, "s", at_level(299), mask, {}, rule); }}) {
    const Error error = error_of(action);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(error.message().find("298 x 1000"), std::string::npos) << error.message();
  }
}

TEST(Grid, CoversTheSlideAndKeepsOverhangingPatches) {
  const auto info = slide_of(250, 120, {1}, Mpp{0.5, 0.5});
  const PatchPlan plan = plan_grid(info, "s", at_level(100), tissue::all_tissue(info), {});
  ASSERT_EQ(plan.rows.size(), 6u);
  EXPECT_EQ(plan.stride_px, 100.0);
  EXPECT_EQ(plan.mpp, 0.5);
  EXPECT_EQ(plan.mpp_source, "vendor");
  const std::vector<std::pair<int64_t, int64_t>> expected = {{0, 0},   {100, 0},   {200, 0},
                                                             {0, 100}, {100, 100}, {200, 100}};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(plan.rows[i].x_px, expected[i].first);
    EXPECT_EQ(plan.rows[i].y_px, expected[i].second);
    EXPECT_EQ(plan.rows[i].label, kNoLabel);
  }
  EXPECT_FLOAT_EQ(plan.rows[2].inside_fraction, 0.5f);
  EXPECT_FLOAT_EQ(plan.rows[5].inside_fraction, 0.1f);
  const PatchPlan strict =
      plan_grid(info, "s", at_level(100), tissue::all_tissue(info), {.min_tissue = 0.3});
  EXPECT_EQ(strict.rows.size(), 3u);
}

TEST(Grid, WithAStrideStopsWhereTheEdgeIsReached) {
  const auto info = slide_of(200, 100);
  const PatchPlan dense =
      plan_grid(info, "s", at_level(100), tissue::all_tissue(info), {.stride_px = 25});
  ASSERT_EQ(dense.rows.size(), 5u) << "0, 25, 50, 75, 100: the last one ends at the edge";
  EXPECT_EQ(dense.rows[4].x_px, 100);
  const PatchPlan sparse =
      plan_grid(info, "s", at_level(50), tissue::all_tissue(info), {.stride_px = 75});
  ASSERT_EQ(sparse.rows.size(), 6u) << "x 0, 75, 150; y 0, 75";
}

TEST(Grid, StrideIsInPatchPixels) {
  const auto info = slide_of(1000, 1000, {1, 2}, Mpp{1, 1});
  const PatchPlan level =
      plan_grid(info, "s", at_level(50, 1), tissue::all_tissue(info), {.stride_px = 100});
  EXPECT_EQ(level.stride_px, 200.0);
  const PatchPlan mpp = plan_grid(info, "s", at_mpp(50, 3), tissue::all_tissue(info), {});
  EXPECT_EQ(mpp.stride_px, 150.0);
  EXPECT_EQ(mpp.rows[1].x_px, 150);
  // 33 1/3 px patches: positions are rounded, not summed up.
  const auto uneven = slide_of(100, 40, {1}, Mpp{3, 3});
  const PatchPlan thirds =
      plan_grid(uneven, "s", at_mpp(100, 1), tissue::all_tissue(uneven), {.min_tissue = 0.5});
  ASSERT_EQ(thirds.rows.size(), 3u);
  EXPECT_EQ(thirds.rows[1].x_px, 33);
  EXPECT_EQ(thirds.rows[2].x_px, 67);
}

TEST(Grid, RegionLimitsIt) {
  const auto info = slide_of(1000, 1000);
  const auto mask = tissue::all_tissue(info);
  const PatchPlan plan =
      plan_grid(info, "s", at_level(50), mask, {.region_px = RectPx{130, 270, 120, 50}});
  ASSERT_EQ(plan.rows.size(), 3u);
  EXPECT_EQ(plan.rows[0].x_px, 130);
  EXPECT_EQ(plan.rows[2].x_px, 230);
  EXPECT_EQ(plan.rows[2].y_px, 270);
  EXPECT_TRUE(plan.warnings.empty());
  const PatchPlan cut = plan_grid(info, "s", at_level(50), mask,
                                  {.region_px = RectPx{900, 950, 1'000'000'000, 1'000'000'000}});
  EXPECT_EQ(cut.rows.size(), 2u);
  EXPECT_EQ(cut.warnings.size(), 1u);
  for (const RectPx bad : {RectPx{0, 0, 0, 10}, RectPx{1000, 0, 10, 10}, RectPx{-1, 0, 10, 10},
                           RectPx{0, 0, 1ll << 62, 10}}) {
    EXPECT_EQ(
        error_of([&] { plan_grid(info, "s", at_level(50), mask, {.region_px = bad}); }).code(),
        ErrorCode::kInvalidArgument);
  }
}

TEST(Grid, NoTissueIsAWarningWithTheFraction) {
  const auto info = slide_of(1000, 1000);
  tissue::TissueMask mask;
  mask.mask = Image(100, 100, 1, 0);
  mask.mask.row(5)[5] = 255;
  mask.downsample_x = mask.downsample_y = 10;
  mask.index();
  const PatchPlan plan = plan_grid(info, "s", at_level(100), mask, {});
  EXPECT_TRUE(plan.rows.empty());
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0],
            "no patches: none of 100 positions holds 10 % tissue; tissue is 0.01 % of the slide");
}

TEST(Grid, BadOptionsAndHostileSizes) {
  const auto info = slide_of(1'000'000, 1'000'000);
  const auto mask = tissue::all_tissue(info);
  EXPECT_THROW(plan_grid(info, "s", at_level(50), mask, {.stride_px = 0.5}), Error);
  EXPECT_THROW(plan_grid(info, "s", at_level(50), mask, {.min_tissue = 1.5}), Error);
  EXPECT_EQ(error_of([&] { plan_grid(info, "s", at_level(1), mask, {}); }).code(),
            ErrorCode::kLimit);
}

TEST(Grid, AHundredThousandPatchesAreFast) {
  const auto info = slide_of(100'000, 100'000);
  tissue::TissueMask mask;
  mask.mask = Image(3000, 3000, 1, 255);
  mask.downsample_x = mask.downsample_y = 100'000.0 / 3000;
  mask.index();
  const auto start = std::chrono::steady_clock::now();
  const PatchPlan plan = plan_grid(info, "s", at_level(316), mask, {});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_GE(plan.rows.size(), 100'000u);
  RecordProperty("seconds", std::to_string(seconds.count()));
  EXPECT_LT(seconds.count(), 3) << "generous: sanitizers are slow";
}

annotation::Polygon box(const std::string& group, double x, double y, double w, double h) {
  return {"", group, {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}};
}

annotation::AnnotationSet drawn(std::vector<annotation::Polygon> polygons) {
  annotation::AnnotationSet set;
  set.path = "a.xml";
  for (const auto& polygon : polygons) {
    if (std::find(set.groups.begin(), set.groups.end(), polygon.group) == set.groups.end())
      set.groups.push_back(polygon.group);
  }
  set.polygons = std::move(polygons);
  return set;
}

// "x,y:label" for each row.
std::set<std::string> labels(const PatchPlan& plan) {
  std::set<std::string> found;
  for (const PatchRow& row : plan.rows) {
    found.insert(std::to_string(row.x_px) + "," + std::to_string(row.y_px) + ":" +
                 std::to_string(row.label));
  }
  return found;
}

TEST(Annotations, LabelByCoverage) {
  const auto info = slide_of(430, 100);
  // Columns at 0, 100, 200, 300; the last one that fits begins at 300.
  const auto set = drawn({box("Tumor", 25, 0, 175, 100)});
  const AnnotationRule rule = two_classes({"Tumor"}, {}, true);
  const PatchPlan plan =
      plan_from_annotations(info, "s", at_level(100), tissue::all_tissue(info), set, rule);
  EXPECT_EQ(labels(plan), (std::set<std::string>{"0,0:1", "100,0:1", "200,0:0", "300,0:0"}))
      << "covered: 0.75, 1, 0, 0";
  AnnotationRule strict = rule;
  strict.min_coverage = 0.8;
  EXPECT_EQ(labels(plan_from_annotations(info, "s", at_level(100), tissue::all_tissue(info), set,
                                         strict)),
            (std::set<std::string>{"100,0:1", "200,0:0", "300,0:0"}))
      << "a patch that tumour touches is not normal";
}

TEST(Annotations, NegativeGroupsInsidePositiveOnes) {
  const auto info = slide_of(400, 100);
  const auto set = drawn({box("_0", 0, 0, 300, 100), box("_2", 100, 0, 100, 100)});
  const AnnotationRule rule = two_classes({"_0"}, {"_2"});
  EXPECT_EQ(
      labels(plan_from_annotations(info, "s", at_level(100), tissue::all_tissue(info), set, rule)),
      (std::set<std::string>{"0,0:1", "100,0:0", "200,0:1"}));
}

TEST(Annotations, NormalFromTissueIsOutsideEveryPolygonAndOnTissue) {
  const auto info = slide_of(400, 100);
  tissue::TissueMask mask;
  mask.mask = Image(4, 1, 1, 255);
  mask.mask.row(0)[3] = 0;
  mask.downsample_x = mask.downsample_y = 100;
  mask.index();
  const auto set = drawn({box("Tumor", 0, 0, 100, 100), box("Necrosis", 190, 0, 10, 10)});
  const AnnotationRule rule = two_classes({"Tumor"}, {}, true);
  const PatchPlan plan = plan_from_annotations(info, "s", at_level(100), mask, set, rule);
  EXPECT_EQ(labels(plan), (std::set<std::string>{"0,0:1", "200,0:0"}));
  ASSERT_EQ(plan.warnings.size(), 1u);
  EXPECT_EQ(plan.warnings[0], "annotation groups that no class names are left out: Necrosis");
}

TEST(Annotations, UnknownGroupsListTheGroups) {
  const auto info = slide_of(400, 100);
  const auto mask = tissue::all_tissue(info);
  const auto set = drawn({box("Tumor", 0, 0, 100, 100), box("_2", 0, 0, 10, 10)});
  const Error error = error_of([&] {
    plan_from_annotations(info, "s", at_level(100), mask, set, two_classes({"Tumour"}, {}, true));
  });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_STREQ(error.what(),
               "a.xml: found no annotation group 'Tumour' (class 'tumor') (did you mean 'Tumor'?), "
               "expected one of the file's: Tumor, _2");
  EXPECT_EQ(error_of([&] {
              plan_from_annotations(info, "s", at_level(50), mask, set,
                                    two_classes({"Tumor"}, {"Exclusion"}));
            }).code(),
            ErrorCode::kNotFound);
  // A cohort's list of names: this file has one of them.
  EXPECT_NO_THROW(plan_from_annotations(info, "s", at_level(50), mask, set,
                                        two_classes({"Tumor", "_0", "_1"}, {"_2", "Exclusion"})));
  // A slide without tumour has no groups at all.
  const PatchPlan normal =
      plan_from_annotations(info, "s", at_level(100), mask, {}, two_classes({"Tumor"}, {}, true));
  EXPECT_EQ(normal.rows.size(), 4u);
}

TEST(Annotations, AreSampledInBalance) {
  const auto info = slide_of(10'000, 1000);  // 1,000 candidates of 100 px
  const auto mask = tissue::all_tissue(info);
  const auto count = [&](double tumour_width, int most) {
    AnnotationRule rule = two_classes({"t"}, {}, true);
    rule.max_per_slide = most;
    const PatchPlan plan = plan_from_annotations(info, "s", at_level(100), mask,
                                                 drawn({box("t", 0, 0, tumour_width, 1000)}), rule);
    const auto tumour = std::count_if(plan.rows.begin(), plan.rows.end(),
                                      [](const PatchRow& row) { return row.label == 1; });
    EXPECT_TRUE(std::is_sorted(plan.rows.begin(), plan.rows.end(), [](auto& a, auto& b) {
      return std::pair(a.y_px, a.x_px) < std::pair(b.y_px, b.x_px);
    }));
    return std::pair<int64_t, int64_t>(tumour, int64_t(plan.rows.size()) - tumour);
  };
  using Counts = std::pair<int64_t, int64_t>;
  EXPECT_EQ(count(5000, 100), Counts(50, 50));
  EXPECT_EQ(count(5000, 101), Counts(51, 50));
  EXPECT_EQ(count(200, 100), Counts(20, 80)) << "what one class cannot fill the other may";
  EXPECT_EQ(count(9900, 100), Counts(90, 10));
  EXPECT_EQ(count(5000, 5000), Counts(500, 500)) << "all there are";
}

TEST(Annotations, SamplingIsSeededPerSlide) {
  const auto info = slide_of(10'000, 1000);
  const auto mask = tissue::all_tissue(info);
  const auto rows = [&](const std::string& id, uint64_t seed) {
    AnnotationRule rule = two_classes({"t"}, {}, true);
    rule.max_per_slide = 100;
    rule.seed = seed;
    return plan_from_annotations(info, id, at_level(100), mask, drawn({box("t", 0, 0, 5000, 1000)}),
                                 rule)
        .rows;
  };
  EXPECT_EQ(rows("a", 7), rows("a", 7));
  EXPECT_NE(rows("a", 7), rows("b", 7));
  EXPECT_NE(rows("a", 7), rows("a", 8));
}

TEST(Annotations, TooSmallPolygonsAreAWarning) {
  const auto info = slide_of(400, 100);
  const PatchPlan plan =
      plan_from_annotations(info, "s", at_level(100), tissue::all_tissue(info),
                            drawn({box("t", 0, 0, 10, 10)}), two_classes({"t"}, {"n"}));
  EXPECT_TRUE(plan.rows.empty());
  ASSERT_EQ(plan.warnings.size(), 2u);
  EXPECT_EQ(plan.warnings[0], "no patch is covered by polygons of class 'tumor' to 75 %");
}

TEST(Centres, OfTheIdcTilesLieOnTheTilesGrid) {
  const char* folder = std::getenv("LAMELLA_TEST_DATA");
  const std::string data = folder ? folder : LAMELLA_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data + "/idc/tumor.txt")) GTEST_SKIP() << "no " << data;
  const CentreLists lists = {
      kTwo,
      {{annotation::read_ncrf_centres(data + "/idc/tumor.txt"), 1, "tumor.txt"},
       {annotation::read_ncrf_centres(data + "/idc/normal.txt"), 0, "normal.txt"}}};
  EXPECT_EQ(lists.lists[0].centres.size(), 364u);
  EXPECT_EQ(lists.lists[1].centres.size(), 545u);
  size_t rows = 0;
  const std::vector<std::pair<std::string, SizePx>> slides = {{"IDC_14082", {3050, 2500}},
                                                              {"idc_14306", {2750, 2550}}};
  for (const auto& [id, size] : slides) {
    const auto info = slide_of(size.width, size.height, {1, 2}, Mpp{4, 4});
    const PatchPlan plan =
        plan_from_centres(info, id, at_level(50), tissue::all_tissue(info), lists);
    rows += plan.rows.size();
    EXPECT_TRUE(plan.warnings.empty());
    for (const PatchRow& row : plan.rows) {
      EXPECT_EQ(row.x_px % 50, 0);
      EXPECT_EQ(row.y_px % 50, 0);
      EXPECT_EQ(row.inside_fraction, 1);
    }
  }
  EXPECT_EQ(rows, 909u);
}

}  // namespace
}  // namespace lamella::patch
