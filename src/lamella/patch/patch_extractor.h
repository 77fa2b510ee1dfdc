// SPDX-License-Identifier: Apache-2.0
// The pixels of a plan, streamed. One caller per extractor, which may be another thread than the
// one that uses the batches: an extractor shares nothing with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/patch/patch_plan.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/region_reader.h"
#include "lamella/slide/slide.h"

namespace lamella::patch {

// n x v x h x w x 3 uint8 RGB; v: fields of view of the same centre.
struct PatchBatch {
  int64_t count = 0;
  int views = 1;
  int size_px = 0;              // h = w
  std::vector<uint8_t> pixels;  // count * views * size_px * size_px * 3
  std::vector<uint32_t> rows;   // count: index of each patch in the plan

  std::span<const uint8_t> patch(int64_t i) const {
    const size_t bytes = size_t(views) * size_px * size_px * 3;
    return {pixels.data() + i * bytes, bytes};
  }
};

// Fields of view of one patch.
inline constexpr size_t kMaxViews = 8;
inline constexpr double kMinView = 0.125, kMaxView = 16;  // sides, in sides of the patch

struct ExtractOptions {
  int output_px = 0;  // side of what is delivered; 0: the spec's size_px
  // Fields of view, each delivered at output_px: their sides in sides of the patch, about its
  // centre; 2 sees twice as far. All of a patch come from one read at one level.
  std::vector<double> views = {1};
  int batch_size = 32;
  bool plan_order = false;  // deliver in the plan's order (may decode a tile again)
  slide::OnDamage on_damage = slide::OnDamage::kFail;
  slide::ReadOptions read = {};
  // Error kInvalidArgument (which option, found, expected).
  void validate() const;
};

class PatchExtractor {
 public:
  // The level's pixels become size_px at the plan's scale, then these output_px (docs/scale.md):
  // area when reducing, bilinear when enlarging. By level a patch begins at the level pixel nearest
  // to its position; by mpp its window is real-valued. Outside the slide is white. Error
  // kInvalidArgument: bad options. kMismatch: the plan is of another slide. kLimit: positions,
  // windows or a batch beyond what is allowed.
  PatchExtractor(std::shared_ptr<const slide::Slide> slide, const PatchPlan& plan,
                 ExtractOptions options);
  ~PatchExtractor();
  PatchExtractor(PatchExtractor&&) noexcept;

  // The next patches (batch_size of them, fewer at the end); false when there are no more.
  // `batch` is reused: its memory is kept between calls. Order: given by the plan and the slide's
  // layout only, or the plan's (plan_order).
  // Error (file, tile and cause) of the first patch that cannot be read, if on_damage is kFail or
  // it is no damage (slide::is_damage); the extractor is then used up. kInterrupted.
  bool next(PatchBatch& batch, const Context& context);

  // All patches at once, in place of `next`: places[row], one for each row of the plan, has room
  // for its views * output_px * output_px * 3 bytes; no two overlap. Reads batch_size at a time.
  // The pixels of rows that are left out (`failures`) are unspecified. Errors as of `next`, and
  // kInvalidArgument if patches were delivered already, or in the plan's order.
  void read_all(std::span<uint8_t* const> places, const Context& context);

  int64_t patch_count() const;
  // The rows in the order of delivery. Empty if that is the plan's (plan_order).
  std::span<const uint32_t> order() const;
  int output_px() const;
  // Rows left out so far (on_damage kSkip): RegionFailure::region is the index in the plan; the
  // message names file, tile and cause.
  const std::vector<slide::RegionFailure>& failures() const;
  int64_t tiles_decoded() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lamella::patch
