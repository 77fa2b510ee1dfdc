// SPDX-License-Identifier: Apache-2.0
#include <smmintrin.h>

#include "lamella/slide/predictor_internal.h"

namespace lamella::slide {

namespace {

// Five RGB pixels at a time: sums over 1, 2 and 4 pixels, then what the pixel before them adds.
void undo_rgb_row(uint8_t* row, size_t bytes) {
  constexpr size_t kStep = 15;
  const __m128i last_pixel =
      _mm_setr_epi8(12, 13, 14, 12, 13, 14, 12, 13, 14, 12, 13, 14, 12, 13, 14, -1);
  const __m128i sixteenth = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1);
  const auto load = [&](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + at));
  };
  __m128i before = _mm_setzero_si128();
  __m128i next = bytes >= kStep + 1 ? load(0) : before;
  size_t i = 0;
  for (; i + kStep + 1 <= bytes; i += kStep) {
    const __m128i stored = next;
    // Before the store beside it, which a load would have to wait for.
    if (i + 2 * kStep + 1 <= bytes) next = load(i + kStep);
    __m128i sum = _mm_add_epi8(stored, _mm_slli_si128(stored, 3));
    sum = _mm_add_epi8(sum, _mm_slli_si128(sum, 6));
    sum = _mm_add_epi8(_mm_add_epi8(sum, _mm_slli_si128(sum, 12)), before);
    before = _mm_shuffle_epi8(sum, last_pixel);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(row + i), _mm_blendv_epi8(sum, stored, sixteenth));
  }
  for (i = i < 3 ? 3 : i; i < bytes; ++i) row[i] = static_cast<uint8_t>(row[i] + row[i - 3]);
}

}  // namespace

void undo_horizontal_predictor_plain(std::span<uint8_t> rows, size_t row_bytes, size_t samples) {
  for (size_t row = 0; row + row_bytes <= rows.size(); row += row_bytes) {
    for (size_t i = row + samples; i < row + row_bytes; ++i) {
      rows[i] = static_cast<uint8_t>(rows[i] + rows[i - samples]);
    }
  }
}

void undo_horizontal_predictor(std::span<uint8_t> rows, size_t row_bytes, size_t samples) {
  if (samples != 3) return undo_horizontal_predictor_plain(rows, row_bytes, samples);
  for (size_t row = 0; row + row_bytes <= rows.size(); row += row_bytes) {
    undo_rgb_row(rows.data() + row, row_bytes);
  }
}

}  // namespace lamella::slide
