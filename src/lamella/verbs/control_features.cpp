// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "lamella/base/random.h"
#include "lamella/verbs/controls.h"

namespace lamella::verbs {

namespace {

constexpr int kChannels = 3;
constexpr int kFirstFilters = 32, kFirstSide = 7, kFirstStep = 2;
constexpr int kFirstOut = (RandomNetwork::kSidePx - kFirstSide) / kFirstStep + 1;  // 29
constexpr int kPooled = kFirstOut / 2;                                             // 14
constexpr int kSecondFilters = 64, kSecondSide = 3;
constexpr int kSecondOut = kPooled - kSecondSide + 1;  // 12
constexpr int kFirstInputs = kFirstSide * kFirstSide * kChannels;
constexpr int kSecondInputs = kSecondSide * kSecondSide * kFirstFilters;

std::vector<float> drawn(Random& random, int inputs, int filters) {
  const double deviation = std::sqrt(2.0 / inputs);
  std::vector<float> weights(static_cast<size_t>(inputs) * static_cast<size_t>(filters));
  for (float& weight : weights) weight = static_cast<float>(deviation * random.normal());
  return weights;
}

// filters values at one place; `row(k)` points to the inputs of the window's row k.
template <int Filters, typename Row>
std::array<float, Filters> convolved(const std::vector<float>& weights, int rows, int row_inputs,
                                     const Row& row) {
  std::array<float, Filters> sums{};
  const float* weight = weights.data();
  for (int k = 0; k < rows; ++k) {
    const float* input = row(k);
    for (int i = 0; i < row_inputs; ++i, weight += Filters) {
      for (int f = 0; f < Filters; ++f) sums[static_cast<size_t>(f)] += input[i] * weight[f];
    }
  }
  return sums;
}

}  // namespace

void colour_features(std::span<const uint8_t> patch, std::span<float> out) {
  const auto n = static_cast<double>(patch.size() / kChannels);
  for (size_t c = 0; c < kChannels; ++c) {
    double sum = 0, squares = 0;
    for (size_t i = c; i < patch.size(); i += kChannels) {
      const double value = patch[i];
      sum += value;
      squares += value * value;
    }
    const double mean = sum / n;
    out[2 * c] = static_cast<float>(mean);
    out[2 * c + 1] = static_cast<float>(std::sqrt(std::max(0.0, squares / n - mean * mean)));
  }
}

RandomNetwork::RandomNetwork(uint64_t seed) {
  Random random(derive_seed(seed, kRandomEncoder));
  first_ = drawn(random, kFirstInputs, kFirstFilters);
  second_ = drawn(random, kSecondInputs, kSecondFilters);
}

void RandomNetwork::run(std::span<const uint8_t> patch, std::span<float> out) const {
  std::vector<float> pixels(patch.size());
  for (size_t i = 0; i < patch.size(); ++i) pixels[i] = static_cast<float>(patch[i]) / 127.5F - 1;
  // What is below 0 loses to the zeros that it begins with.
  std::vector<float> middle(static_cast<size_t>(kPooled * kPooled * kFirstFilters), 0.0F);
  for (int y = 0; y < 2 * kPooled; ++y) {
    for (int x = 0; x < 2 * kPooled; ++x) {
      const auto sums =
          convolved<kFirstFilters>(first_, kFirstSide, kFirstSide * kChannels, [&](int k) {
            return pixels.data() + ((y * kFirstStep + k) * kSidePx + x * kFirstStep) * kChannels;
          });
      float* to = middle.data() + ((y / 2) * kPooled + x / 2) * kFirstFilters;
      for (size_t f = 0; f < kFirstFilters; ++f) to[f] = std::max(to[f], sums[f]);
    }
  }
  std::fill(out.begin(), out.end(), 0.0F);
  for (int y = 0; y < kSecondOut; ++y) {
    for (int x = 0; x < kSecondOut; ++x) {
      const auto sums = convolved<kSecondFilters>(
          second_, kSecondSide, kSecondSide * kFirstFilters,
          [&](int k) { return middle.data() + ((y + k) * kPooled + x) * kFirstFilters; });
      for (size_t f = 0; f < kSecondFilters; ++f) {
        const float value = std::max(0.0F, sums[f]);
        out[f] += value / static_cast<float>(kSecondOut * kSecondOut);
        out[kSecondFilters + f] = std::max(out[kSecondFilters + f], value);
      }
    }
  }
}

}  // namespace lamella::verbs
