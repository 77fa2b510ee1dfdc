// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lamella/base/random.h"
#include "lamella/base/stopwatch.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

namespace {

constexpr int64_t kPatches = 37;  // no multiple of a batch
constexpr double kLeastSeconds = 1.0;

// Spots of two sizes on a ground that is another for each patch: pictures with edges and colours.
std::vector<uint8_t> made_up_patches(const EncoderInfo& info, int64_t n) {
  const int px = info.input_px;
  const auto pictures = n * static_cast<int64_t>(info.views.size());
  std::vector<uint8_t> pixels(static_cast<size_t>(pictures * px * px * 3));
  Random random(20);
  uint8_t* at = pixels.data();
  for (int64_t i = 0; i < pictures; ++i) {
    const auto ground = static_cast<int>(random.below(120)) + 100;
    const auto step = static_cast<int>(random.below(24)) + 6;
    for (int y = 0; y < px; ++y) {
      for (int x = 0; x < px; ++x) {
        const bool spot = (x / step + y / step) % 3 == 0;
        const auto noise = static_cast<int>(random.below(24));
        *at++ = static_cast<uint8_t>(spot ? 90 + noise : ground + noise);
        *at++ = static_cast<uint8_t>(spot ? 40 + noise : ground - 60 + noise);
        *at++ = static_cast<uint8_t>(spot ? 120 + noise : ground - 20 + noise);
      }
    }
  }
  return pixels;
}

double largest_deviation(const std::vector<float>& features, int64_t n, int64_t d) {
  double largest = 0;
  for (int64_t j = 0; j < d; ++j) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double x = features[static_cast<size_t>(i * d + j)];
      sum += x;
      squares += x * x;
    }
    const auto count = static_cast<double>(n);
    largest = std::max(largest, squares / count - sum / count * (sum / count));
  }
  return std::sqrt(std::max(largest, 0.0));
}

class Runner {
 public:
  Runner(const EncoderInfo& info, const std::vector<uint8_t>& patches)
      : bytes_(static_cast<int64_t>(patches.size()) / kPatches),
        dimension_(info.dimension),
        patches_(patches) {}

  // Features of all patches, `split` at once.
  std::vector<float> operator()(Encoder& encoder, int64_t split, const Context& context) const {
    std::vector<float> features(static_cast<size_t>(kPatches * dimension_));
    for (int64_t first = 0; first < kPatches; first += split) {
      const int64_t count = std::min(split, kPatches - first);
      encoder.encode(std::span(patches_).subspan(static_cast<size_t>(first * bytes_),
                                                 static_cast<size_t>(count * bytes_)),
                     count,
                     std::span(features).subspan(static_cast<size_t>(first * dimension_),
                                                 static_cast<size_t>(count * dimension_)),
                     context);
    }
    return features;
  }

 private:
  int64_t bytes_, dimension_;
  const std::vector<uint8_t>& patches_;
};

}  // namespace

double least_cosine(std::span<const float> a, std::span<const float> b, int64_t d) {
  double least = 1;
  for (size_t row = 0; row + static_cast<size_t>(d) <= a.size(); row += static_cast<size_t>(d)) {
    double dot = 0, aa = 0, bb = 0;
    for (size_t j = row; j < row + static_cast<size_t>(d); ++j) {
      dot += double{a[j]} * double{b[j]};
      aa += double{a[j]} * double{a[j]};
      bb += double{b[j]} * double{b[j]};
    }
    if (aa == 0 && bb == 0) continue;
    least = std::min(least, aa == 0 || bb == 0 ? 0.0 : dot / std::sqrt(aa * bb));
  }
  return least;
}

EncoderCheck check_encoder(const EncoderInfo& info, Precision precision, const Context& context) {
  const std::vector<uint8_t> patches = made_up_patches(info, kPatches);
  const Runner run(info, patches);
  EncoderCheck check;
  const auto encoder = load_encoder(info, precision, context.threads);
  check.precision = encoder->precision();
  check.compile_seconds = encoder->compile_seconds();
  const std::vector<float> features = run(*encoder, kPatches, context);
  check.spread = largest_deviation(features, kPatches, info.dimension);
  Context one = context;
  one.threads = 1;
  check.same_bits = run(*load_encoder(info, precision, 1), 5, one) == features;
  if (check.precision == Precision::kBf16) {
    const auto exact =
        run(*load_encoder(info, Precision::kF32, context.threads), kPatches, context);
    check.cosine_to_f32 = least_cosine(features, exact, info.dimension);
  }
  const Stopwatch watch;
  do {
    run(*encoder, kPatches, context);
    check.patches += kPatches;
  } while (watch.seconds() < kLeastSeconds);
  check.patches_per_second = static_cast<double>(check.patches) / watch.seconds();
  return check;
}

}  // namespace lamella::encoder
