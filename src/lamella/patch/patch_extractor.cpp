// SPDX-License-Identifier: Apache-2.0
#include "lamella/patch/patch_extractor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/parallel.h"
#include "lamella/patch/patch_window_internal.h"

namespace lamella::patch {

namespace {

constexpr int kChannels = 3;
constexpr int kMaxOutputPx = 16384;
constexpr int64_t kMaxPosition = 1'000'000'000;
constexpr int64_t kMaxBatchBytes = int64_t{4} << 30;
// Level pixels of the windows that wait to be resampled.
constexpr int64_t kWindowBudgetBytes = int64_t{64} << 20;

void check_plan(const slide::SlideInfo& info, const PatchPlan& plan) {
  const PatchGeometry& geometry = plan.geometry;
  const bool other_file = !plan.slide_fingerprint.empty() && !info.fingerprint.empty() &&
                          plan.slide_fingerprint != info.fingerprint;
  if (other_file || geometry.slide_size_px != info.size_px() || geometry.level < 0 ||
      static_cast<size_t>(geometry.level) >= info.levels.size()) {
    throw Error(
        ErrorCode::kMismatch,
        fmt::format("found a plan of another slide or of another version of it ({}, {} x {} "
                    "px, level {}), expected one of this slide ({} x {} px, {} levels); "
                    "plan again",
                    plan.slide_path, geometry.slide_size_px.width, geometry.slide_size_px.height,
                    geometry.level, info.size_px().width, info.size_px().height,
                    info.levels.size()),
        info.path);
  }
  if (geometry.size_px < 1 || geometry.size_px > kMaxOutputPx ||
      !(geometry.level_extent_x_px > 0 && geometry.level_extent_x_px < kMaxPosition) ||
      !(geometry.level_extent_y_px > 0 && geometry.level_extent_y_px < kMaxPosition) ||
      plan.rows.size() > std::numeric_limits<uint32_t>::max()) {
    throw Error(
        ErrorCode::kLimit,
        fmt::format("found {} patches of {} px over {} x {} level px, expected at most 2^32 - "
                    "1 of 1 to {} px",
                    plan.rows.size(), geometry.size_px, geometry.level_extent_x_px,
                    geometry.level_extent_y_px, kMaxOutputPx),
        info.path);
  }
  for (const PatchRow& row : plan.rows) {
    if (std::abs(row.x_px) > kMaxPosition || std::abs(row.y_px) > kMaxPosition) {
      throw Error(ErrorCode::kLimit,
                  fmt::format("found a patch at ({}, {}), expected positions within 1e9 px",
                              row.x_px, row.y_px),
                  info.path);
    }
  }
}

}  // namespace

void ExtractOptions::validate() const {
  if (output_px < 0 || output_px > kMaxOutputPx) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found output_px = {}, expected 0 to {}", output_px, kMaxOutputPx));
  }
  if (batch_size < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found batch_size = {}, expected at least 1", batch_size));
  }
  if (views.empty() || views.size() > kMaxViews) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} fields of view, expected 1 to {}", views.size(), kMaxViews));
  }
  for (const double side : views) {
    if (!(side >= kMinView && side <= kMaxView)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("found a field of view of {} sides of the patch, expected {} to {}",
                              side, kMinView, kMaxView));
    }
  }
  read.validate();
}

struct PatchExtractor::State {
  State(std::shared_ptr<const slide::Slide> slide_, const PatchPlan& plan, ExtractOptions options_)
      : slide(std::move(slide_)),
        options(std::move(options_)),
        output_px(options.output_px > 0 ? options.output_px : plan.geometry.size_px),
        views_px(static_cast<int>(options.views.size()) * output_px),
        patch_bytes(int64_t{views_px} * output_px * kChannels),
        windows(plan.geometry, slide->info(), output_px, options.views),
        level(plan.geometry.level),
        rows(plan.rows) {}

  void open_reader(size_t begin, size_t end);
  void take(size_t count);
  void read(const Context& context);
  void read_resampled(size_t begin, size_t end, const Context& context);
  void fill(size_t count, PatchBatch& batch, const Context& context);
  void note_failures(std::vector<slide::RegionFailure> found);
  MutableImageView patch_view(uint8_t* pixels) const {
    return {pixels, output_px, views_px, kChannels, ptrdiff_t{kChannels} * output_px};
  }

  std::shared_ptr<const slide::Slide> slide;
  ExtractOptions options;
  int output_px = 0;
  int views_px = 0;  // height of a patch's views, one below another
  int64_t patch_bytes = 0;
  PatchWindows windows;
  int level = 0;
  std::vector<PatchRow> rows;

  std::optional<slide::RegionReader> reader;
  size_t reader_begin = 0;      // first row that `reader` was asked for
  std::vector<uint32_t> order;  // its rows in the order of delivery
  size_t order_at = 0;          // next of `order`
  size_t delivered = 0;
  int64_t tiles_decoded_before = 0;
  std::vector<slide::RegionFailure> failures;

  // Of the patches that are read next, by slot: the plan's order, where that is wanted.
  std::vector<size_t> slots;  // of the reader's order
  std::vector<uint32_t> slot_row;
  std::vector<uint8_t*> slot_pixels;
  std::vector<uint8_t> slot_good;
  std::vector<MutableImageView> views;
  std::vector<Image> held;
  std::vector<ResampleScratch> scratch;
};

// A reader of the rows [begin, end).
void PatchExtractor::State::open_reader(size_t begin, size_t end) {
  if (reader) tiles_decoded_before += reader->tiles_decoded();
  slide::ReadRequest request;
  request.level = level;
  request.reduction = windows.reduction();
  request.regions.reserve(end - begin);
  for (size_t row = begin; row < end; ++row) request.regions.push_back(windows.window(rows[row]));
  reader.emplace(slide, std::move(request), options.read);
  order.assign(reader->order().begin(), reader->order().end());
  for (uint32_t& row : order) row += static_cast<uint32_t>(begin);
  reader_begin = begin;
  order_at = 0;
}

void PatchExtractor::State::note_failures(std::vector<slide::RegionFailure> found) {
  for (slide::RegionFailure& failure : found) {
    const uint32_t row = static_cast<uint32_t>(reader_begin + failure.region);
    if (options.on_damage == slide::OnDamage::kFail || !slide::is_damage(failure.code)) {
      throw Error(failure.code, fmt::format("{} (needed for the patch at {}, {})", failure.message,
                                            rows[row].x_px, rows[row].y_px));
    }
    const auto slot = std::find(slot_row.begin(), slot_row.end(), row) - slot_row.begin();
    slot_good.at(static_cast<size_t>(slot)) = 0;
    failures.push_back({row, std::move(failure.message), failure.code});
  }
}

// The next `count` of the order become slots; where their pixels go is then to be said.
void PatchExtractor::State::take(size_t count) {
  slots.resize(count);
  slot_row.assign(count, 0);
  slot_pixels.assign(count, nullptr);
  slot_good.assign(count, 1);
  for (size_t k = 0; k < count; ++k) {
    const uint32_t row = order[order_at + k];
    slots[k] = options.plan_order ? row - reader_begin : k;
    slot_row[slots[k]] = row;
  }
}

// Of the order's [begin, end) among the slots, window by window.
void PatchExtractor::State::read_resampled(size_t begin, size_t end, const Context& context) {
  const size_t count = end - begin;
  held.resize(std::max(held.size(), count));
  views.clear();
  for (size_t k = 0; k < count; ++k) {
    const RectPx window = windows.window(rows[slot_row[slots[begin + k]]]);
    const int width = static_cast<int>(window.width), height = static_cast<int>(window.height);
    if (held[k].width() != width || held[k].height() != height) held[k] = Image(width, height);
    views.push_back(held[k].view());
  }
  note_failures(reader->read_next(views, context));
  parallel_for(static_cast<int64_t>(count), context.threads, [&](int64_t k, int worker) {
    const size_t slot = slots[begin + static_cast<size_t>(k)];
    if (!slot_good[slot]) return;
    windows.resample(rows[slot_row[slot]], held[static_cast<size_t>(k)].view(),
                     patch_view(slot_pixels[slot]), scratch[static_cast<size_t>(worker)]);
  });
}

// The slots' pixels.
void PatchExtractor::State::read(const Context& context) {
  scratch.resize(static_cast<size_t>(std::max(1, context.threads)));
  const size_t count = slots.size();
  if (windows.is_copy()) {
    views.clear();
    for (const size_t slot : slots) views.push_back(patch_view(slot_pixels[slot]));
    note_failures(reader->read_next(views, context));
  } else {
    const size_t at_once =
        static_cast<size_t>(std::max<int64_t>(1, kWindowBudgetBytes / windows.max_bytes()));
    for (size_t begin = 0; begin < count; begin += at_once) {
      read_resampled(begin, std::min(begin + at_once, count), context);
    }
  }
  order_at += count;
  delivered += count;
}

// Appends the next `count` patches of the order, less those that fail, to the batch.
void PatchExtractor::State::fill(size_t count, PatchBatch& batch, const Context& context) {
  uint8_t* first = batch.pixels.data() + batch.count * patch_bytes;
  const auto place = [&](size_t slot) { return first + static_cast<int64_t>(slot) * patch_bytes; };
  take(count);
  for (size_t slot = 0; slot < count; ++slot) slot_pixels[slot] = place(slot);
  read(context);
  // The good ones move together.
  size_t kept = 0;
  for (size_t slot = 0; slot < count; ++slot) {
    if (!slot_good[slot]) continue;
    if (kept != slot) copy_pixels(patch_view(place(slot)), patch_view(place(kept)));
    batch.rows.push_back(slot_row[slot]);
    ++kept;
  }
  batch.count += static_cast<int64_t>(kept);
}

PatchExtractor::PatchExtractor(std::shared_ptr<const slide::Slide> slide, const PatchPlan& plan,
                               ExtractOptions options) {
  options.validate();
  check_plan(slide->info(), plan);
  state_ = std::make_unique<State>(std::move(slide), plan, options);
  const int64_t batch_bytes =
      checked_mul(state_->patch_bytes, options.batch_size, "bytes of a batch");
  if (batch_bytes > kMaxBatchBytes) {
    throw Error(ErrorCode::kLimit, fmt::format("found batches of {} bytes, expected at most {}; "
                                               "take a smaller batch_size or output_px",
                                               batch_bytes, kMaxBatchBytes));
  }
  if (!options.plan_order && !plan.rows.empty()) state_->open_reader(0, plan.rows.size());
}

PatchExtractor::~PatchExtractor() = default;
PatchExtractor::PatchExtractor(PatchExtractor&&) noexcept = default;

bool PatchExtractor::next(PatchBatch& batch, const Context& context) {
  State& state = *state_;
  const size_t batch_size = static_cast<size_t>(state.options.batch_size);
  batch.count = 0;
  batch.views = static_cast<int>(state.options.views.size());
  batch.size_px = state.output_px;
  batch.rows.clear();
  batch.pixels.resize(std::min(batch_size, state.rows.size() - state.delivered) *
                      static_cast<size_t>(state.patch_bytes));
  while (state.delivered < state.rows.size() && batch.rows.size() < batch_size) {
    const size_t count =
        std::min(batch_size - batch.rows.size(), state.rows.size() - state.delivered);
    if (state.options.plan_order) state.open_reader(state.delivered, state.delivered + count);
    state.fill(count, batch, context);
  }
  batch.pixels.resize(static_cast<size_t>(batch.count * state.patch_bytes));
  return batch.count > 0;
}

void PatchExtractor::read_all(std::span<uint8_t* const> places, const Context& context) {
  State& state = *state_;
  if (places.size() != state.rows.size() || state.delivered > 0 || state.options.plan_order) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("found {} places for {} patches, {} of them delivered; expected one "
                            "for each, before any is delivered, and no order (plan_order)",
                            places.size(), state.rows.size(), state.delivered));
  }
  while (state.delivered < state.rows.size()) {
    state.take(std::min(static_cast<size_t>(state.options.batch_size),
                        state.rows.size() - state.delivered));
    for (size_t slot = 0; slot < state.slots.size(); ++slot) {
      state.slot_pixels[slot] = places[state.slot_row[slot]];
    }
    state.read(context);
  }
}

std::span<const uint32_t> PatchExtractor::order() const { return state_->order; }

int64_t PatchExtractor::patch_count() const { return static_cast<int64_t>(state_->rows.size()); }

int PatchExtractor::output_px() const { return state_->output_px; }

const std::vector<slide::RegionFailure>& PatchExtractor::failures() const {
  return state_->failures;
}

int64_t PatchExtractor::tiles_decoded() const {
  return state_->tiles_decoded_before + (state_->reader ? state_->reader->tiles_decoded() : 0);
}

}  // namespace lamella::patch
