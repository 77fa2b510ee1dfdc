// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/patch_extractor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>

#include "lamella/base/error.h"
#include "lamella/base/random.h"
#include "lamella/patch/extract_testing_internal.h"
#include "lamella/patch/plan_patches.h"

namespace lamella::patch {
namespace {

// Pixels of `image` at (x, y), white outside.
std::vector<uint8_t> cut(const Image& image, int64_t x, int64_t y, int size) {
  std::vector<uint8_t> pixels;
  for (int64_t py = y; py < y + size; ++py) {
    for (int64_t px = x; px < x + size; ++px) {
      const bool inside = px >= 0 && py >= 0 && px < image.width() && py < image.height();
      for (int c = 0; c < 3; ++c) {
        pixels.push_back(inside ? image.row(int(py))[3 * px + c] : uint8_t{255});
      }
    }
  }
  return pixels;
}

TEST(Extractor, NativePatchesAreTheSlidesPixels) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(333, 250, 1)}, std::nullopt);
  PatchPlan plan = grid(*slide, {50, 0, {}});
  plan.rows.push_back({-20, -10});
  plan.rows.push_back({320, 240});
  const Patches patches = extract(slide, plan, {.batch_size = 7});
  ASSERT_EQ(patches.size(), plan.rows.size());
  for (const auto& [row, pixels] : patches) {
    EXPECT_EQ(pixels, cut(slide->level(0), plan.rows[row].x_px, plan.rows[row].y_px, 50)) << row;
  }
}

TEST(Extractor, ByLevelReadsAtTheNearestLevelPixel) {
  const Image fine = random_image(400, 300, 2);
  const auto slide = std::make_shared<MemorySlide>(std::vector{fine, halved(fine)}, std::nullopt);
  PatchPlan plan = grid(*slide, {40, 1, {}});
  plan.rows = {{0, 0}, {100, 60}, {101, 61}, {-3, 8}};
  const Patches patches = extract(slide, plan, {});
  EXPECT_EQ(patches.at(0), cut(slide->level(1), 0, 0, 40));
  EXPECT_EQ(patches.at(1), cut(slide->level(1), 50, 30, 40));
  EXPECT_EQ(patches.at(2), cut(slide->level(1), 51, 31, 40)) << "50.5 is rounded to 51";
  EXPECT_EQ(patches.at(3), cut(slide->level(1), -2, 4, 40)) << "-1.5 away from zero";
}

TEST(Extractor, ByMppIsTheSameFieldOfViewWithOneOrMoreLevels) {
  const Image fine = random_image(320, 320, 3);
  const auto one = std::make_shared<MemorySlide>(std::vector{fine}, Mpp{0.5, 0.5});
  const auto two = std::make_shared<MemorySlide>(std::vector{fine, halved(fine)}, Mpp{0.5, 0.5});
  const PatchSpec spec{32, {}, 1.0};
  const PatchPlan plan_one = grid(*one, spec), plan_two = grid(*two, spec);
  EXPECT_EQ(plan_one.rows, plan_two.rows);
  EXPECT_EQ(plan_one.geometry.level, 0);
  EXPECT_EQ(plan_two.geometry.level, 1);
  const Patches from_one = extract(one, plan_one, {});
  EXPECT_EQ(from_one, extract(two, plan_two, {}));
  EXPECT_EQ(from_one.at(1), cut(two->level(1), 32, 0, 32));
}

TEST(Extractor, ByMppTakesRealValuedWindows) {
  // A ramp in x: the mean over a window is its middle. 8/3 level px per pixel.
  Image ramp(240, 64, 3);
  for (int y = 0; y < 64; ++y) {
    for (int i = 0; i < 720; ++i) ramp.row(y)[i] = uint8_t(i / 3);
  }
  const auto slide = std::make_shared<MemorySlide>(std::vector{ramp}, Mpp{0.75, 0.75});
  PatchPlan plan = grid(*slide, {12, {}, 2.0});
  EXPECT_DOUBLE_EQ(plan.geometry.level_extent_x_px, 32);
  plan.rows = {{17, 5}};
  const auto pixels = extract(slide, plan, {}).at(0);
  for (int o = 0; o < 12; ++o) {
    const double middle = 17 + (o + 0.5) * 8 / 3 - 0.5;
    EXPECT_NEAR(pixels[size_t(3 * o)], middle, 0.51) << o;
  }
}

TEST(Extractor, ReadsTilesAtAReducedSizeWherePatchesAreReduced) {
  const Image pixels = random_image(320, 256, 8);
  const auto whole = std::make_shared<MemorySlide>(std::vector{pixels}, Mpp{0.5, 0.5});
  const auto reducing = std::make_shared<MemorySlide>(std::vector{pixels}, Mpp{0.5, 0.5},
                                                      std::set<std::pair<int64_t, int64_t>>{}, 8);
  // 5.2 px to one: read at 1/2, then 2.6 to one. Means of means are the same but for rounding.
  PatchPlan plan = grid(*whole, {20, {}, 2.6});
  plan.rows = {{0, 0}, {64, 32}, {8, 100}, {200, 140}};
  const Patches plain = extract(whole, plan, {}), fast = extract(reducing, plan, {});
  for (const auto& [row, patch] : plain) {
    double difference = 0;
    for (size_t i = 0; i < patch.size(); ++i) {
      difference += std::abs(int{patch[i]} - int{fast.at(row)[i]});
    }
    // Windows that begin between reduced pixels share out whole ones: noise shows it, not bias.
    EXPECT_LT(difference / double(patch.size()), 4) << row;
  }
  // A factor of four from even positions: nothing is shared out, values are rounded twice.
  PatchPlan fourfold = grid(*whole, {16, {}, 2.0});
  fourfold.rows = {{0, 0}, {64, 32}};
  const Patches exact = extract(whole, fourfold, {});
  for (const auto& [row, patch] : extract(reducing, fourfold, {})) {
    for (size_t i = 0; i < patch.size(); ++i) ASSERT_NEAR(patch[i], exact.at(row)[i], 1);
  }
}

TEST(Extractor, ReducedPatchesAreWindowsOfOneLargeOne) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(512, 512, 9)}, Mpp{0.5, 0.5},
                                    std::set<std::pair<int64_t, int64_t>>{}, 8);
  PatchPlan one = grid(*slide, {80, {}, 2.5}), parts = grid(*slide, {20, {}, 2.5});
  one.rows = {{0, 0}};
  parts.rows = {{0, 0}, {100, 0}, {300, 200}};  // 20 px of 2.5 µm are 100 px of 0.5 µm
  const auto large = extract(slide, one, {}).at(0);
  const Patches small = extract(slide, parts, {});
  for (const auto& [row, patch] : small) {
    const int64_t left = parts.rows[row].x_px / 5, top = parts.rows[row].y_px / 5;
    for (int64_t y = 0; y < 20; ++y) {
      for (int64_t i = 0; i < 60; ++i) {
        ASSERT_EQ(patch[size_t(60 * y + i)], large[size_t(240 * (top + y) + 3 * left + i)]);
      }
    }
  }
}

// A view is the patch of so many times the size about the same centre, and no more of the slide is
// read for all of them than for the largest.
TEST(Extractor, ViewsAreLargerPatchesOfTheSameCentre) {
  const Image picture = random_image(640, 500, 21);
  const auto slide = std::make_shared<MemorySlide>(std::vector{picture}, Mpp{0.5, 0.5});
  for (const PatchSpec& spec : {PatchSpec{32, 0, {}}, PatchSpec{25, {}, 0.61}}) {
    const PatchPlan plan = grid(*slide, spec, 70);
    const auto with_views = [&](std::vector<double> views) {
      ExtractOptions options{.output_px = 48};
      options.views = std::move(views);
      return options;
    };
    const Patches all = extract(slide, plan, with_views({1, 3, 0.5}), 2);
    const Patches ones = extract(slide, plan, with_views({1}));
    const Patches threes = extract(slide, plan, with_views({3}));
    const Patches halves = extract(slide, plan, with_views({0.5}));
    ASSERT_EQ(all.size(), plan.rows.size());
    // Of odd sizes the half is rounded: 13 px of 25.
    for (const auto& [row, pixels] : all) {
      std::vector<uint8_t> expected = ones.at(row);
      expected.insert(expected.end(), threes.at(row).begin(), threes.at(row).end());
      expected.insert(expected.end(), halves.at(row).begin(), halves.at(row).end());
      EXPECT_EQ(pixels, expected) << row;
    }
  }
  // By hand: three times 16 px about (108, 58) is 48 px from (84, 34).
  PatchPlan plan = grid(*slide, {16, 0, {}});
  plan.rows = {{100, 50}, {0, 490}};
  ExtractOptions options{.output_px = 48};
  options.views = {3};
  const Patches patches = extract(slide, plan, options);
  EXPECT_EQ(patches.at(0), cut(picture, 84, 34, 48));
  EXPECT_EQ(patches.at(1), cut(picture, -16, 474, 48)) << "white outside";
}

TEST(Extractor, RefusesSenselessViews) {
  for (const std::vector<double>& views :
       {std::vector<double>{}, {0}, {-1}, {17}, {NAN}, std::vector<double>(9, 1.0)}) {
    ExtractOptions options;
    options.views = views;
    EXPECT_THROW(options.validate(), Error);
  }
}

TEST(Extractor, EnlargesInOneStepFromTheLevel) {
  // 2 x 2 px patches at 4 px: values by hand as in the resampling tests.
  Image image(64, 64, 3, 0);
  for (int c = 0; c < 3; ++c) {
    image.row(0)[3 + c] = 100;
    image.row(1)[3 + c] = 100;
    image.row(0)[6 + c] = 250;
  }
  const auto slide = std::make_shared<MemorySlide>(std::vector{image}, std::nullopt);
  PatchPlan plan = grid(*slide, {2, 0, {}});
  plan.rows = {{0, 0}};
  const auto pixels = extract(slide, plan, {.output_px = 4}).at(0);
  for (int y = 0; y < 4; ++y) {
    const std::vector<int> expected = {0, 25, 75, 100};
    for (int x = 0; x < 4; ++x) EXPECT_EQ(pixels[size_t(3 * (4 * y + x))], expected[size_t(x)]);
  }
}

TEST(Extractor, AnyThreadsBatchesAndOrderGiveTheSamePatches) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(500, 400, 4)}, Mpp{0.5, 0.5});
  for (const PatchSpec& spec : {PatchSpec{40, 0, {}}, PatchSpec{20, {}, 1.3}}) {
    const PatchPlan plan = grid(*slide, spec);
    const Patches expected = extract(slide, plan, {});
    EXPECT_EQ(expected, extract(slide, plan, {.batch_size = 5}, 4));
    EXPECT_EQ(expected, extract(slide, plan, {.batch_size = 9, .plan_order = true}, 2));
    EXPECT_EQ(extract(slide, plan, {.output_px = 64}),
              extract(slide, plan, {.output_px = 64, .batch_size = 1}, 3));
  }
}

TEST(Extractor, PlanOrderIsThePlansOrder) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(500, 400, 5)}, std::nullopt);
  PatchPlan plan = grid(*slide, {30, 0, {}});
  Random random(1);
  random.shuffle(std::span<PatchRow>(plan.rows));
  PatchExtractor extractor(slide, plan, {.batch_size = 16, .plan_order = true});
  PatchBatch batch;
  uint32_t next = 0;
  while (extractor.next(batch, {})) {
    for (int64_t i = 0; i < batch.count; ++i, ++next) {
      EXPECT_EQ(batch.rows[size_t(i)], next);
      const auto pixels = batch.patch(i);
      EXPECT_EQ(std::vector<uint8_t>(pixels.begin(), pixels.end()),
                cut(slide->level(0), plan.rows[next].x_px, plan.rows[next].y_px, 30));
    }
  }
  EXPECT_EQ(next, plan.rows.size());
}

TEST(Extractor, DecodesEachTileOnceInItsOwnOrder) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(640, 640, 6)}, std::nullopt);
  PatchExtractor extractor(slide, grid(*slide, {50, 0, {}}), {.batch_size = 8});
  PatchBatch batch;
  while (extractor.next(batch, {})) {
  }
  EXPECT_EQ(extractor.tiles_decoded(), 100);
}

TEST(Extractor, ReadsAllToTheirPlaces) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(500, 400, 5)}, std::nullopt);
  const PatchPlan plan = grid(*slide, {64, 0, {}}, 50);
  for (const int output_px : {64, 30}) {
    const ExtractOptions options = {.output_px = output_px, .batch_size = 7};
    const Patches expected = extract(slide, plan, options);
    const size_t bytes = size_t{3} * output_px * output_px;
    std::vector<uint8_t> pixels(plan.rows.size() * bytes);
    std::vector<uint8_t*> places;  // the last row's first
    for (size_t row = plan.rows.size(); row-- > 0;) places.push_back(pixels.data() + row * bytes);
    PatchExtractor extractor(slide, plan, options);
    extractor.read_all(places, {});
    for (const auto& [row, wanted] : expected) {
      EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), places[row])) << row;
    }
    PatchBatch batch;
    EXPECT_FALSE(extractor.next(batch, {})) << "all are delivered";
    EXPECT_THROW(extractor.read_all(places, {}), Error);
    places.pop_back();
    EXPECT_THROW(PatchExtractor(slide, plan, options).read_all(places, {}), Error);
  }
}

TEST(Extractor, ReusesTheBatchsMemory) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(640, 640, 6)}, std::nullopt);
  PatchExtractor extractor(slide, grid(*slide, {50, 0, {}}), {.batch_size = 8});
  PatchBatch batch;
  ASSERT_TRUE(extractor.next(batch, {}));
  const uint8_t* memory = batch.pixels.data();
  while (extractor.next(batch, {})) EXPECT_EQ(batch.pixels.data(), memory);
}

TEST(Extractor, MayRunBesideTheUseOfTheLastBatch) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(500, 400, 7)}, std::nullopt);
  const PatchPlan plan = grid(*slide, {40, 0, {}});
  PatchExtractor extractor(slide, plan, {.batch_size = 8});
  PatchBatch current, coming;
  int64_t seen = 0;
  bool more = extractor.next(current, {});
  while (more) {
    auto future = std::async(std::launch::async, [&] { return extractor.next(coming, Context{}); });
    for (int64_t i = 0; i < current.count; ++i, ++seen) {
      const PatchRow& row = plan.rows[current.rows[size_t(i)]];
      const auto pixels = current.patch(i);
      EXPECT_EQ(std::vector<uint8_t>(pixels.begin(), pixels.end()),
                cut(slide->level(0), row.x_px, row.y_px, 40));
    }
    more = future.get();
    std::swap(current, coming);
  }
  EXPECT_EQ(seen, int64_t(plan.rows.size()));
}

TEST(Extractor, ACorruptTileFailsOrIsSkipped) {
  const std::set<std::pair<int64_t, int64_t>> corrupt = {{2, 1}};
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(320, 320, 8)}, std::nullopt, corrupt);
  const auto whole =
      std::make_shared<MemorySlide>(std::vector{random_image(320, 320, 8)}, std::nullopt);
  const PatchPlan plan = grid(*slide, {40, 0, {}});
  // Tile (2, 1) is px 128-191 x 64-127: patches at x 120, 160 and y 40, 80, 120.
  const std::set<std::pair<int64_t, int64_t>> touched = {{120, 40}, {160, 40},  {120, 80},
                                                         {160, 80}, {120, 120}, {160, 120}};
  try {
    extract(slide, plan, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    const std::string what = error.what();
    EXPECT_NE(what.find("memory.tif"), std::string::npos) << what;
    EXPECT_NE(what.find("damaged"), std::string::npos) << what;
  }
  for (const int output_px : {40, 20}) {
    for (const bool plan_order : {false, true}) {
      const ExtractOptions options{.output_px = output_px,
                                   .batch_size = 5,
                                   .plan_order = plan_order,
                                   .on_damage = slide::OnDamage::kSkip};
      PatchExtractor extractor(slide, plan, options);
      PatchBatch batch;
      Patches patches;
      std::vector<int64_t> counts;
      while (extractor.next(batch, {})) {
        counts.push_back(batch.count);
        for (int64_t i = 0; i < batch.count; ++i) {
          patches[batch.rows[size_t(i)]].assign(batch.patch(i).begin(), batch.patch(i).end());
        }
      }
      for (size_t i = 0; i + 1 < counts.size(); ++i) EXPECT_EQ(counts[i], 5) << "full but the last";
      std::set<std::pair<int64_t, int64_t>> left_out;
      for (const slide::RegionFailure& failure : extractor.failures()) {
        left_out.emplace(plan.rows[failure.region].x_px, plan.rows[failure.region].y_px);
        EXPECT_NE(failure.message.find("damaged"), std::string::npos);
      }
      EXPECT_EQ(left_out, touched);
      Patches expected = extract(whole, plan, {.output_px = output_px});
      for (const slide::RegionFailure& failure : extractor.failures()) {
        expected.erase(uint32_t(failure.region));
      }
      EXPECT_EQ(patches, expected) << "all others are right";
    }
  }
}

TEST(Extractor, AnEmptyPlanHasNoPatches) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(100, 100, 9)}, std::nullopt);
  PatchPlan plan = grid(*slide, {50, 0, {}});
  plan.rows.clear();
  PatchBatch batch;
  EXPECT_FALSE(PatchExtractor(slide, plan, {}).next(batch, {}));
  EXPECT_FALSE(PatchExtractor(slide, plan, {.plan_order = true}).next(batch, {}));
}

TEST(Extractor, RefusesPlansOfOtherSlidesAndHostileOnes) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(100, 100, 9)}, std::nullopt);
  const auto code_of = [&](const std::function<void(PatchPlan&)>& change, ExtractOptions options) {
    PatchPlan plan = grid(*slide, {50, 0, {}});
    change(plan);
    try {
      const PatchExtractor extractor(slide, plan, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.slide_size_px.width = 99; }, {}),
            ErrorCode::kMismatch);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.level = 1; }, {}), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.level = -1; }, {}), ErrorCode::kMismatch);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.size_px = 0; }, {}), ErrorCode::kLimit);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.level_extent_x_px = 1e15; }, {}),
            ErrorCode::kLimit);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.geometry.level_extent_y_px = NAN; }, {}),
            ErrorCode::kLimit);
  EXPECT_EQ(code_of([](PatchPlan& p) { p.rows[0].x_px = int64_t{1} << 60; }, {}),
            ErrorCode::kLimit);
  EXPECT_EQ(code_of([](PatchPlan&) {}, {.batch_size = 2'000'000'000}), ErrorCode::kLimit);
  EXPECT_EQ(code_of([](PatchPlan&) {}, {.batch_size = 0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([](PatchPlan&) {}, {.output_px = -1}), ErrorCode::kInvalidArgument);
}

TEST(Extractor, StopsWhenCancelled) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(300, 300, 9)}, std::nullopt);
  PatchExtractor extractor(slide, grid(*slide, {50, 0, {}}), {});
  Context context;
  context.cancel.request();
  PatchBatch batch;
  try {
    extractor.next(batch, context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
}

TEST(Extractor, IdcPatchesEqualReadRegion) {
  const char* folder = std::getenv("LAMELLA_TEST_DATA");
  const std::string data = folder ? folder : LAMELLA_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data + "/idc/idc_14082.tif")) GTEST_SKIP() << "no " << data;
  const auto slide = slide::open_slide(data + "/idc/idc_14082.tif");
  const PatchPlan plan = plan_from_centres(
      slide->info(), "idc_14082", {50, 0, {}}, tissue::all_tissue(slide->info()),
      {{{"normal", "tumor"}}, {{annotation::read_ncrf_centres(data + "/idc/tumor.txt"), 1, "t"}}});
  ASSERT_GT(plan.rows.size(), 100u);
  for (const auto& [row, pixels] : extract(slide, plan, {}, 2)) {
    const Image expected =
        slide::read_region(*slide, 0, {plan.rows[row].x_px, plan.rows[row].y_px, 50, 50});
    EXPECT_EQ(pixels, expected.bytes());
  }
}

}  // namespace
}  // namespace lamella::patch
