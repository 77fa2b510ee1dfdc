// SPDX-License-Identifier: Apache-2.0
// Random fields as pure functions of seed and position, so that any tile can be painted alone.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace lamella::phantom {

// The finaliser of SplitMix64 over a lattice point.
inline uint64_t hash_at(uint64_t seed, int64_t ix, int64_t iy) {
  uint64_t z = seed + static_cast<uint64_t>(ix) * 0x9e3779b97f4a7c15u +
               static_cast<uint64_t>(iy) * 0xc2b2ae3d27d4eb4fu;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// A few numbers in [0, 1) from one lattice point.
class Dice {
 public:
  Dice(uint64_t seed, int64_t ix, int64_t iy) : state_(hash_at(seed, ix, iy)) {}
  float next() {
    state_ = hash_at(state_, 1, 0);
    return static_cast<float>(state_ >> 40) * 0x1p-24f;
  }
  float between(float low, float high) { return low + (high - low) * next(); }

 private:
  uint64_t state_;
};

inline float smooth_step(float low, float high, float value) {
  float t = (value - low) * (1 / (high - low));
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  return t * t * (3 - 2 * t);
}

// Value noise with one lattice point a unit, in [0, 1), mean 0.5.
inline float value_noise(uint64_t seed, double x, double y) {
  const double fx = std::floor(x), fy = std::floor(y);
  const auto ix = static_cast<int64_t>(fx), iy = static_cast<int64_t>(fy);
  const float u = smooth_step(0, 1, static_cast<float>(x - fx));
  const float v = smooth_step(0, 1, static_cast<float>(y - fy));
  const auto at = [&](int64_t dx, int64_t dy) {
    return static_cast<float>(hash_at(seed, ix + dx, iy + dy) >> 40) * 0x1p-24f;
  };
  const float top = at(0, 0) + u * (at(1, 0) - at(0, 0));
  const float bottom = at(0, 1) + u * (at(1, 1) - at(0, 1));
  return top + v * (bottom - top);
}

// Three octaves, about [0, 1], mean 0.5.
inline float fractal_noise(uint64_t seed, double x, double y) {
  return (4 * value_noise(seed, x, y) + 2 * value_noise(seed + 1, 2 * x + 17.3, 2 * y + 5.1) +
          value_noise(seed + 2, 4 * x + 3.7, 4 * y + 11.9)) /
         7;
}

// A periodic picture of noise, looked up per pixel where value_noise would be too slow.
class Texture {
 public:
  static constexpr int kSide = 512;  // power of two
  // `cell`: texels from one lattice point of the first octave to the next; divides kSide and is
  // at least 2^(octaves - 1).
  Texture(uint64_t seed, int cell, int octaves);

  float nearest(float x, float y) const {
    const int ix = static_cast<int>(std::floor(x)) & (kSide - 1);
    const int iy = static_cast<int>(std::floor(y)) & (kSide - 1);
    return values_[static_cast<size_t>(iy * kSide + ix)];
  }
  float linear(float x, float y) const {
    const float fx = std::floor(x), fy = std::floor(y);
    const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
    const float u = x - fx, v = y - fy;
    const float* top = values_.data() + (iy & (kSide - 1)) * kSide;
    const float* bottom = values_.data() + ((iy + 1) & (kSide - 1)) * kSide;
    const int left = ix & (kSide - 1), right = (ix + 1) & (kSide - 1);
    const float a = top[left] + u * (top[right] - top[left]);
    const float b = bottom[left] + u * (bottom[right] - bottom[left]);
    return a + v * (b - a);
  }

 private:
  std::vector<float> values_;
};

}  // namespace lamella::phantom
