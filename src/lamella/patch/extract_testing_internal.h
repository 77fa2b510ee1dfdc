// SPDX-License-Identifier: Apache-2.0
// What the extractor's tests share: pictures of noise, and all patches of a plan.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "lamella/base/random.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/patch/plan_patches.h"
#include "lamella/testing/memory_slide.h"

namespace lamella::patch {

using test::MemorySlide;

inline Image random_image(int width, int height, uint64_t seed) {
  Random random(seed);
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.row(y)[x] = uint8_t(random.below(256));
  }
  return image;
}

// Mean of 2 x 2 pixels, rounded half up.
inline Image halved(const Image& image) {
  Image out(image.width() / 2, image.height() / 2, 3);
  for (int y = 0; y < out.height(); ++y) {
    for (int i = 0; i < 3 * out.width(); ++i) {
      const int x = i / 3 * 6 + i % 3;
      out.row(y)[i] = uint8_t((image.row(2 * y)[x] + image.row(2 * y)[x + 3] +
                               image.row(2 * y + 1)[x] + image.row(2 * y + 1)[x + 3] + 2) /
                              4);
    }
  }
  return out;
}

inline PatchPlan grid(const MemorySlide& slide, const PatchSpec& spec, double stride_px = 0) {
  GridOptions options;
  if (stride_px > 0) options.stride_px = stride_px;
  options.min_tissue = 0;
  return plan_grid(slide.info(), "s", spec, tissue::all_tissue(slide.info()), options);
}

using Patches = std::map<uint32_t, std::vector<uint8_t>>;

inline Patches extract(const std::shared_ptr<const slide::Slide>& slide, const PatchPlan& plan,
                       const ExtractOptions& options, int threads = 1) {
  PatchExtractor extractor(slide, plan, options);
  Context context;
  context.threads = threads;
  Patches patches;
  PatchBatch batch;
  while (extractor.next(batch, context)) {
    EXPECT_EQ(batch.count, int64_t(batch.rows.size()));
    EXPECT_EQ(batch.size_px, extractor.output_px());
    for (int64_t i = 0; i < batch.count; ++i) {
      const auto pixels = batch.patch(i);
      EXPECT_TRUE(patches.try_emplace(batch.rows[size_t(i)], pixels.begin(), pixels.end()).second);
    }
  }
  EXPECT_EQ(batch.count, 0);
  EXPECT_EQ(int64_t(patches.size() + extractor.failures().size()), extractor.patch_count());
  return patches;
}

}  // namespace lamella::patch
