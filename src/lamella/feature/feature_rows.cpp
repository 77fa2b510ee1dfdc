// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature_rows.h"

#include <bit>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace lamella::feature {

namespace {

constexpr uint32_t kHalfBits = 10, kFloatBits = 23, kDropped = kFloatBits - kHalfBits;

float float_of(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> kHalfBits) & 31;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | mantissa << kDropped);
  if (exponent > 0) {
    return std::bit_cast<float>(sign | (exponent + 112) << kFloatBits | mantissa << kDropped);
  }
  // A multiple of 2^-24, which float32 has.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

void floats_plain(std::span<const uint16_t> halves, float* out) {
  for (size_t i = 0; i < halves.size(); ++i) out[i] = float_of(halves[i]);
}

#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) void floats_f16c(std::span<const uint16_t> halves, float* out) {
  size_t i = 0;
  for (; i + 8 <= halves.size(); i += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves.data() + i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(eight));
  }
  floats_plain(halves.subspan(i), out + i);
}
#endif

using Convert = void (*)(std::span<const uint16_t>, float*);

Convert best_convert() {
#if defined(__x86_64__)
  // Not __builtin_cpu_supports("f16c"): Clang 16 does not know that name.
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  if (f16c && __builtin_cpu_supports("avx")) return floats_f16c;
#endif
  return floats_plain;
}

}  // namespace

void floats_of(std::span<const uint16_t> halves, float* out) {
  static const Convert kConvert = best_convert();
  kConvert(halves, out);
}

}  // namespace lamella::feature
