// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kReportInterval = std::chrono::milliseconds(100);
// Of each of the two chunks of patches that are held: one in the network, one being extracted.
constexpr int64_t kChunkBytes = int64_t{64} << 20;
constexpr int64_t kMaxChunk = 256;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

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
  ProgressReporter(std::string step, int64_t total, const Context& context)
      : step_(std::move(step)), total_(total), context_(context), last_(Clock::now()) {
    context_.report(step_, 0, total_, "patches");
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

patch::ExtractOptions extract_options(const EncoderInfo& info) {
  const auto views = static_cast<int64_t>(info.views.size());
  const int64_t patch_bytes = int64_t{3} * info.input_px * info.input_px * views;
  patch::ExtractOptions options;
  options.output_px = info.input_px;
  options.views = info.views;
  options.batch_size =
      static_cast<int>(std::clamp(kChunkBytes / patch_bytes, int64_t{1}, kMaxChunk));
  return options;
}

void encode_batch(Encoder& encoder, const patch::PatchBatch& batch, const patch::PatchPlan& plan,
                  std::span<float> block, const Context& context) {
  try {
    encoder.encode(batch.pixels, batch.count, block, context);
  } catch (const NonFiniteFeature& error) {
    const size_t row = batch.rows.at(static_cast<size_t>(error.patch()));
    throw Error(
        error.code(),
        fmt::format("the patch at ({}, {}), row {} of the plan of {}: {}", plan.rows[row].x_px,
                    plan.rows[row].y_px, row, plan.slide_id, error.reason()),
        error.path());
  }
}

}  // namespace

EncodeResult encode_patches(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                            Encoder& encoder, const Context& context) {
  const Clock::time_point start = Clock::now();
  const EncoderInfo& info = encoder.info();
  EncodeResult result;
  feature::FeatureMatrix& features = result.features;
  features.rows = static_cast<int64_t>(plan.rows.size());
  features.columns = info.dimension;
  features.values.resize(
      static_cast<size_t>(checked_mul(features.rows, features.columns, "features")));
  features.feature_space = feature_space(info, plan);
  features.precision = to_string(encoder.precision());

  patch::PatchExtractor extractor(std::move(slide), plan, extract_options(info));
  ProgressReporter progress("encode " + plan.slide_id, features.rows, context);
  std::vector<float> block;
  Chunk chunks[2];
  int64_t done = 0;
  if (features.rows > 0) chunks[0].start(extractor, context);
  for (size_t turn = 0; done < features.rows; turn = 1 - turn) {
    if (!chunks[turn].finish(context)) break;
    const patch::PatchBatch& batch = chunks[turn].batch();
    if (done + batch.count < features.rows) chunks[1 - turn].start(extractor, context);
    block.resize(static_cast<size_t>(batch.count * features.columns));
    encode_batch(encoder, batch, plan, block, context);
    for (int64_t k = 0; k < batch.count; ++k) {
      std::copy_n(block.begin() + k * features.columns, features.columns,
                  features.row(batch.rows[static_cast<size_t>(k)]).begin());
    }
    done += batch.count;
    progress.report(done);
  }
  if (done != features.rows) {
    throw Error(ErrorCode::kInternal,
                fmt::format("found {} patches delivered, expected {}", done, features.rows),
                plan.slide_path);
  }
  result.failures = extractor.failures();
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace lamella::encoder
