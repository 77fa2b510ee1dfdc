// SPDX-License-Identifier: Apache-2.0
// Patches a second through lite0, already extracted. CPU time is that of all streams.
#include <benchmark/benchmark.h>

#include "lamella/base/random.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {
namespace {

void encode_lite0(benchmark::State& state, Precision precision) {
  if (precision == Precision::kBf16 && !processor_has_bf16()) {
    state.SkipWithError("the processor has no bf16 arithmetic");
    return;
  }
  const auto streams = static_cast<int>(state.range(0));
  const auto encoder = load_encoder(find_encoder("lite0"), precision, streams);
  constexpr int64_t kCount = 64;
  const auto px = static_cast<int64_t>(encoder->info().input_px);
  std::vector<uint8_t> patches(static_cast<size_t>(kCount * px * px * 3));
  Random random(1);
  for (uint8_t& byte : patches) byte = static_cast<uint8_t>(random.below(256));
  std::vector<float> features(static_cast<size_t>(kCount * encoder->info().dimension));
  Context context;
  context.threads = streams;
  for (auto _ : state) encoder->encode(patches, kCount, features, context);
  state.counters["patches"] = benchmark::Counter(static_cast<double>(state.iterations() * kCount),
                                                 benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(encode_lite0, f32, Precision::kF32)
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(encode_lite0, bf16, Precision::kBf16)
    ->Arg(1)
    ->Arg(2)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace lamella::encoder
