// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/phantom/noise_internal.h"

namespace lamella::phantom {

namespace {

// Adds one octave: a periodic lattice of random numbers, `cell` texels apart, interpolated.
void add_octave(std::vector<float>& values, int side, int cell, uint64_t seed, float weight) {
  const int cells = side / cell;
  std::vector<float> lattice(static_cast<size_t>((cells + 1) * (cells + 1)));
  for (int j = 0; j <= cells; ++j) {
    for (int i = 0; i <= cells; ++i) {
      lattice[static_cast<size_t>(j * (cells + 1) + i)] =
          weight * static_cast<float>(hash_at(seed, i % cells, j % cells) >> 40) * 0x1p-24f;
    }
  }
  std::vector<float> way(static_cast<size_t>(cell));  // from one lattice point to the next
  for (int i = 0; i < cell; ++i) {
    way[static_cast<size_t>(i)] =
        smooth_step(0, 1, (static_cast<float>(i) + 0.5f) / static_cast<float>(cell));
  }
  for (int y = 0; y < side; ++y) {
    const float* top = lattice.data() + (y / cell) * (cells + 1);
    const float* bottom = top + cells + 1;
    const float v = way[static_cast<size_t>(y % cell)];
    float* to = values.data() + y * side;
    for (int i = 0; i < cells; ++i) {
      const float left = top[i] + v * (bottom[i] - top[i]);
      const float right = top[i + 1] + v * (bottom[i + 1] - top[i + 1]);
      for (const float u : way) *to++ += left + u * (right - left);
    }
  }
}

}  // namespace

Texture::Texture(uint64_t seed, int cell, int octaves)
    : values_(static_cast<size_t>(kSide * kSide), 0.0f) {
  float weight = 1;
  for (int octave = 0; octave < octaves; ++octave, cell /= 2, weight *= 0.68f) {
    add_octave(values_, kSide, cell, seed + static_cast<uint64_t>(octave), weight);
  }
  // Stretched to the whole of [0, 1]: sums of octaves crowd round the middle.
  const auto [low, high] = std::minmax_element(values_.begin(), values_.end());
  const float shift = *low, scale = 1 / (*high - *low);
  for (float& value : values_) value = (value - shift) * scale;
}

}  // namespace lamella::phantom
