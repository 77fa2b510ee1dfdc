// SPDX-License-Identifier: Apache-2.0
// A patch is resampled to its pixels at the plan's scale, and from these to the encoder's size.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/patch/extract_testing_internal.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {
namespace {

// A patch of from_px x from_px as an encoder of output_px takes it.
std::vector<uint8_t> resized(const std::vector<uint8_t>& patch, int from_px, int output_px) {
  const ResampleAxis axis(0, from_px, output_px);
  Image out(output_px, output_px, 3);
  ResampleScratch scratch;
  resample(ImageView{patch.data(), from_px, from_px, 3, ptrdiff_t{3} * from_px}, axis, axis,
           out.view(), scratch);
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(Extractor, ScaleComesBeforeSize) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(400, 400, 11)}, Mpp{0.5, 0.5});
  for (const double mpp : {1.3, 0.7, 0.3}) {  // the last enlarges
    const PatchPlan plan = grid(*slide, {40, {}, mpp});
    const Patches patches = extract(slide, plan, {});
    for (const int output_px : {64, 40, 25}) {
      for (const auto& [row, pixels] : extract(slide, plan, {.output_px = output_px})) {
        ASSERT_EQ(pixels, resized(patches.at(row), 40, output_px)) << row << " " << output_px;
      }
    }
  }
}

TEST(Extractor, AFineSlideIsAsSharpAsItsOwnCoarseCopy) {
  const Image picture = random_image(640, 640, 12);
  const Image coarse_picture = halved(halved(picture));
  const auto fine = std::make_shared<MemorySlide>(std::vector{picture}, Mpp{0.5, 0.5});
  const auto coarse = std::make_shared<MemorySlide>(std::vector{coarse_picture}, Mpp{2.0, 2.0});
  PatchPlan of_fine = grid(*fine, {40, {}, 2.0}), of_coarse = grid(*coarse, {40, {}, 2.0});
  of_fine.rows = {{0, 0}, {160, 80}, {400, 404}, {-8, 600}};
  of_coarse.rows = {{0, 0}, {40, 20}, {100, 101}, {-2, 150}};
  for (const int output_px : {0, 112, 30}) {
    ExtractOptions options{.output_px = output_px};
    options.views = {1, 2};
    const Patches expected = extract(coarse, of_coarse, options);
    for (const auto& [row, pixels] : extract(fine, of_fine, options)) {
      for (size_t i = 0; i < pixels.size(); ++i) {
        ASSERT_NEAR(pixels[i], expected.at(row)[i], 1) << "halving twice rounds twice";
      }
    }
  }
}

// What is enlarged for the encoder is read as coarsely as what is not.
TEST(Extractor, ReadsReducedTilesAlsoForALargeEncoder) {
  const Image picture = random_image(640, 640, 13);
  const auto whole = std::make_shared<MemorySlide>(std::vector{picture}, Mpp{0.5, 0.5});
  const auto reducing = std::make_shared<MemorySlide>(std::vector{picture}, Mpp{0.5, 0.5},
                                                      std::set<std::pair<int64_t, int64_t>>{}, 8);
  PatchPlan plan = grid(*whole, {20, {}, 4.0});  // 8 px to one: read at 1/4
  plan.rows = {{0, 0}, {160, 80}, {-32, 320}};
  ExtractOptions options{.output_px = 224};
  options.views = {1, 2};
  const Patches plain = extract(whole, plan, options), fast = extract(reducing, plan, options);
  ASSERT_NE(plain, fast) << "the reduced tiles were not taken: their means are rounded twice";
  for (const auto& [row, pixels] : fast) {
    for (size_t i = 0; i < pixels.size(); ++i) ASSERT_NEAR(pixels[i], plain.at(row)[i], 1);
  }
}

TEST(Extractor, RefusesViewsOfTooManyPixels) {
  const auto slide =
      std::make_shared<MemorySlide>(std::vector{random_image(64, 64, 14)}, Mpp{10, 10});
  ExtractOptions options{.output_px = 128};
  options.views = {8};  // 16,000 px at 1 µm/px, of 1,600 px
  EXPECT_THROW(extract(slide, grid(*slide, {2000, {}, 1.0}), options), Error);
}

}  // namespace
}  // namespace lamella::patch
