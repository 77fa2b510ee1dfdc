// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/random.h"

#include <cmath>
#include <numbers>

namespace lamella {

uint64_t Random::below(uint64_t bound) {
  // Values from the incomplete last block are drawn again, so that none is favoured.
  const uint64_t limit = ~uint64_t{0} - (~uint64_t{0} % bound + 1) % bound;
  uint64_t value = bits();
  while (value > limit) value = bits();
  return value % bound;
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

double Random::normal() {
  const double u = 1.0 - uniform();
  const double v = uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

uint64_t derive_seed(uint64_t seed, std::string_view part) {
  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return derive_seed(seed, hash);
}

uint64_t derive_seed(uint64_t seed, uint64_t part) {
  // The finaliser of SplitMix64.
  uint64_t z = seed + 0x9e3779b97f4a7c15u + part;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace lamella
