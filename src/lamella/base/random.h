// SPDX-License-Identifier: Apache-2.0
// Seeded sampling that gives the same numbers on every platform: std::mt19937_64, whose sequence
// the standard fixes, with our own distributions, which it does not.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <utility>

namespace lamella {

inline constexpr const char* kRandomGenerator = "mt19937_64";

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t bits() { return engine_(); }
  // Uniform in [0, bound), unbiased; bound > 0.
  uint64_t below(uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Standard normal (Box-Muller).
  double normal();
  template <typename T>
  void shuffle(std::span<T> values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

// A seed for a part of a work (a slide, say), so that parts do not depend on one another's order.
uint64_t derive_seed(uint64_t seed, std::string_view part);
uint64_t derive_seed(uint64_t seed, uint64_t part);

}  // namespace lamella
