// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/stopwatch.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kReportInterval = std::chrono::milliseconds(100);
// Of each of the two chunks of patches that are held: one in the network, one being extracted.
constexpr int64_t kChunkBytes = int64_t{64} << 20;
constexpr int64_t kMaxChunk = 256;
// Chunks are whole batches of the network, of any that the engine is given: a part of a batch costs
// as much as a whole one.
constexpr int64_t kWholeBatches = 32;

// A batch being filled, by this thread or by another one.
class Chunk {
 public:
  // Begins to fill it; finish() ends that. Both calls are the caller's thread.
  void start(patch::PatchExtractor& extractor, const Context& context) {
    // Progress and warnings belong to the caller's thread.
    Context quiet;
    quiet.threads = context.threads;
    quiet.cancel = context.cancel;
    quiet.warning = [this](const std::string& text) { warnings_.push_back(text); };
    auto fill = [this, &extractor, quiet] { return extractor.next(batch_, quiet); };
    more_ = std::async(context.threads > 1 ? std::launch::async : std::launch::deferred, fill);
  }

  // True if there are patches in it. Error of the extractor.
  bool finish(const Context& context) {
    const bool more = more_.get();
    for (const std::string& text : warnings_) context.warn(text);
    warnings_.clear();
    return more;
  }

  const patch::PatchBatch& batch() const { return batch_; }

 private:
  patch::PatchBatch batch_;
  std::vector<std::string> warnings_;
  std::future<bool> more_;  // last: waits for the filling before the rest goes
};

class ProgressReporter {
 public:
  ProgressReporter(std::string step, int64_t done, int64_t total, const Context& context)
      : step_(std::move(step)), total_(total), context_(context), last_(Clock::now()) {
    context_.report(step_, done, total_, "patches");
  }

  void report(int64_t done) {
    const Clock::time_point now = Clock::now();
    if (done < total_ && now - last_ < kReportInterval) return;
    last_ = now;
    context_.report(step_, done, total_, "patches");
  }

 private:
  std::string step_;
  int64_t total_;
  const Context& context_;
  Clock::time_point last_;
};

patch::ExtractOptions extract_options(const EncoderInfo& info, slide::OnDamage on_damage) {
  const auto views = static_cast<int64_t>(info.views.size());
  const int64_t patch_bytes = int64_t{3} * info.input_px * info.input_px * views;
  patch::ExtractOptions options;
  options.output_px = info.input_px;
  options.views = info.views;
  options.on_damage = on_damage;
  const int64_t fit = std::clamp(kChunkBytes / patch_bytes, int64_t{1}, kMaxChunk);
  options.batch_size =
      static_cast<int>(fit < kWholeBatches ? fit : fit / kWholeBatches * kWholeBatches);
  return options;
}

// The rows that are left to do, as a plan of their own.
class Rest {
 public:
  Rest(const patch::PatchPlan& plan, std::span<const uint8_t> done) : all_(plan) {
    if (std::find(done.begin(), done.end(), uint8_t{1}) == done.end()) return;
    own_ = plan;
    own_->rows.clear();
    for (uint32_t row = 0; row < plan.rows.size(); ++row) {
      if (done[row]) continue;
      own_->rows.push_back(plan.rows[row]);
      numbers_.push_back(row);
    }
  }

  const patch::PatchPlan& plan() const { return own_ ? *own_ : all_; }
  int64_t count() const { return static_cast<int64_t>(plan().rows.size()); }
  // Row numbers of plan() become those of the whole.
  void renumber(std::vector<uint32_t>& rows) const {
    if (!own_) return;
    for (uint32_t& row : rows) row = numbers_[row];
  }
  // By row.
  std::vector<slide::RegionFailure> renumbered(std::vector<slide::RegionFailure> failures) const {
    for (slide::RegionFailure& failure : failures) {
      if (own_) failure.region = numbers_[failure.region];
    }
    std::ranges::sort(failures, {}, &slide::RegionFailure::region);
    return failures;
  }

 private:
  const patch::PatchPlan& all_;
  std::optional<patch::PatchPlan> own_;
  std::vector<uint32_t> numbers_;
};

// rows: of the plan, of the batch's patches.
void encode_batch(Encoder& encoder, const patch::PatchBatch& batch, const patch::PatchPlan& plan,
                  std::span<const uint32_t> rows, std::span<float> block, const Context& context) {
  try {
    encoder.encode(batch.pixels, batch.count, block, context);
  } catch (const NonFiniteFeature& error) {
    const size_t row = rows[static_cast<size_t>(error.patch())];
    throw Error(
        error.code(),
        fmt::format("the patch at ({}, {}), row {} of the plan of {}: {}", plan.rows[row].x_px,
                    plan.rows[row].y_px, row, plan.slide_id, error.reason()),
        error.path());
  }
}

}  // namespace

StreamResult stream_features(std::shared_ptr<const slide::Slide> slide,
                             const patch::PatchPlan& plan, Encoder& encoder,
                             const StreamOptions& options, const TakeFeatures& take,
                             const Context& context) {
  const Stopwatch watch;
  const Rest rest(plan, options.done);
  const auto all = static_cast<int64_t>(plan.rows.size());
  const int64_t count = rest.count(), before = all - count;
  patch::PatchExtractor extractor(std::move(slide), rest.plan(),
                                  extract_options(encoder.info(), options.on_damage));
  ProgressReporter progress("encode " + plan.slide_id, before, all, context);
  std::vector<float> block;
  std::vector<uint32_t> rows;
  Chunk chunks[2];
  int64_t made = 0;
  if (count > 0) chunks[0].start(extractor, context);
  for (size_t turn = 0; made < count; turn = 1 - turn) {
    if (!chunks[turn].finish(context)) break;
    const patch::PatchBatch& batch = chunks[turn].batch();
    if (made + batch.count < count) chunks[1 - turn].start(extractor, context);
    rows = batch.rows;
    rest.renumber(rows);
    block.resize(static_cast<size_t>(batch.count * encoder.info().dimension));
    encode_batch(encoder, batch, plan, rows, block, context);
    take(rows, block);
    made += batch.count;
    progress.report(before + made);
  }
  StreamResult result{rest.renumbered(extractor.failures()), 0};
  if (!result.failures.empty()) progress.report(all);
  made += static_cast<int64_t>(result.failures.size());
  if (made != count) {
    throw Error(ErrorCode::kInternal,
                fmt::format("found {} patches delivered, expected {}", made, count),
                plan.slide_path);
  }
  result.seconds = watch.seconds();
  return result;
}

EncodeResult encode_patches(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                            Encoder& encoder, const Context& context) {
  const EncoderInfo& info = encoder.info();
  EncodeResult result;
  feature::FeatureMatrix& features = result.features;
  features.rows = static_cast<int64_t>(plan.rows.size());
  features.columns = info.dimension;
  features.values.resize(
      static_cast<size_t>(checked_mul(features.rows, features.columns, "features")));
  features.feature_space = feature_space(info, plan);
  features.precision = to_string(encoder.precision());
  result.seconds =
      stream_features(
          std::move(slide), plan, encoder, {},
          [&](std::span<const uint32_t> rows, std::span<const float> values) {
            for (size_t k = 0; k < rows.size(); ++k) {
              std::copy_n(values.begin() + static_cast<ptrdiff_t>(k) * features.columns,
                          features.columns, features.row(rows[k]).begin());
            }
          },
          context)
          .seconds;
  return result;
}

}  // namespace lamella::encoder
