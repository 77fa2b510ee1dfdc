// SPDX-License-Identifier: Apache-2.0
// The feature step beside the engine alone, in turn in one process, as one JSON line:
//
//   encode_bench ENCODER PRECISION THREADS SLIDE PLAN.h5 OUT.h5 ROUNDS
//
// "engine": the plan's patches, extracted beforehand, through the same network in the same chunks;
// "step": from the slide on disk to the features on disk. Seconds of each round; both give the same
// features, or it fails.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "lamella/base/error.h"
#include "lamella/verbs/encode.h"

namespace {

using namespace lamella;
using Clock = std::chrono::steady_clock;

constexpr int kChunk = 256;  // as stream_features gives them

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<patch::PatchBatch> extract(const std::shared_ptr<const slide::Slide>& slide,
                                       const patch::PatchPlan& plan,
                                       const encoder::EncoderInfo& info, const Context& context) {
  patch::ExtractOptions options;
  options.output_px = info.input_px;
  options.views = info.views;
  options.batch_size = kChunk;
  patch::PatchExtractor extractor(slide, plan, options);
  std::vector<patch::PatchBatch> batches;
  for (patch::PatchBatch batch; extractor.next(batch, context);) batches.push_back(batch);
  return batches;
}

// Rows in the order of the plan.
std::vector<float> encode(encoder::Encoder& encoder, const std::vector<patch::PatchBatch>& batches,
                          size_t rows, const Context& context) {
  const auto d = static_cast<size_t>(encoder.info().dimension);
  std::vector<float> features(rows * d), block;
  for (const patch::PatchBatch& batch : batches) {
    block.resize(static_cast<size_t>(batch.count) * d);
    encoder.encode(batch.pixels, batch.count, block, context);
    for (size_t k = 0; k < batch.rows.size(); ++k) {
      std::copy_n(block.data() + k * d, d, features.data() + batch.rows[k] * d);
    }
  }
  return features;
}

int run(const std::vector<std::string>& words) {
  Context context;
  context.threads = std::stoi(words[2]);
  const auto slide = slide::open_slide(words[3]);
  const patch::PatchPlan plan = storage::read_plan(words[4]);
  const auto encoder = encoder::load_encoder(encoder::find_encoder(words[0]),
                                             encoder::parse_precision(words[1]), context.threads);
  const auto batches = extract(slide, plan, encoder->info(), context);
  std::vector<double> engine, step;
  std::vector<float> expected;
  for (int round = 0; round <= std::stoi(words[6]); ++round) {  // the first one warms
    auto start = Clock::now();
    expected = encode(*encoder, batches, plan.rows.size(), context);
    if (round > 0) engine.push_back(seconds_since(start));
    std::filesystem::remove(words[5]);
    start = Clock::now();
    verbs::encode_file(slide, plan, *encoder, {}, words[5], context);
    if (round > 0) step.push_back(seconds_since(start));
    if (storage::read_features(words[5]).features.values != expected) {
      throw Error(ErrorCode::kInternal, "the step's features are not the engine's", words[5]);
    }
  }
  std::puts(fmt::format("{{\"count\": {}, \"engine\": [{:.6f}], \"step\": [{:.6f}]}}",
                        plan.rows.size(), fmt::join(engine, ", "), fmt::join(step, ", "))
                .c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 7) {
    std::fputs("usage: encode_bench ENCODER PRECISION THREADS SLIDE PLAN.h5 OUT.h5 ROUNDS\n",
               stderr);
    return 2;
  }
  try {
    return run(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
