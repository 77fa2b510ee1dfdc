// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>

#include "lamella/tissue/bit_plane_internal.h"

namespace lamella::tissue {

namespace {

constexpr int kBits = 64;

// 1 where the bytes are not 0.
uint64_t bits_of(const uint8_t* bytes, int count) {
  uint64_t bits = 0;
  const cv::v_uint8x16 zero = cv::v_setzero_u8();
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const auto found = static_cast<uint32_t>(cv::v_signmask(cv::v_load(bytes + i) != zero));
    bits |= uint64_t{found} << i;
  }
  for (; i < count; ++i) bits |= uint64_t{bytes[i] != 0} << i;
  return bits;
}

// Each pixel also gets what stands `by` pixels before it: to[x] |= to[x - by].
void unite_with_before(uint64_t* to, int words, int by) {
  const int whole = by / kBits, part = by % kBits;
  for (int i = words - 1; i >= whole; --i) {
    const uint64_t here = to[i - whole];
    const uint64_t before = part > 0 && i > whole ? to[i - whole - 1] : 0;
    to[i] |= part > 0 ? (here << part) | (before >> (kBits - part)) : here;
  }
}

// to[x] = from[x + by].
void move_back(const uint64_t* from, int from_words, int by, uint64_t* to, int words) {
  const int whole = by / kBits, part = by % kBits;
  for (int i = 0; i < words; ++i) {
    const int at = i + whole;
    const uint64_t here = at < from_words ? from[at] : 0;
    const uint64_t next = part > 0 && at + 1 < from_words ? from[at + 1] : 0;
    to[i] = part > 0 ? (here >> part) | (next << (kBits - part)) : here;
  }
}

}  // namespace

void BitPlane::set_zero(int width, int height) {
  width_ = width, height_ = height, words_ = (width + kBits - 1) / kBits;
  bits_.assign(static_cast<size_t>(words_) * static_cast<size_t>(height), 0);
}

void BitPlane::load(const ImageView& picture) {
  width_ = picture.width, height_ = picture.height, words_ = (width_ + kBits - 1) / kBits;
  bits_.resize(static_cast<size_t>(words_) * static_cast<size_t>(height_));
  for (int y = 0; y < height_; ++y) {
    const uint8_t* from = picture.row(y);
    uint64_t* to = row(y);
    for (int i = 0; i < words_; ++i) {
      to[i] = bits_of(from + ptrdiff_t{kBits} * i, std::min(kBits, width_ - kBits * i));
    }
  }
}

void BitPlane::store(int first, uint8_t value, const MutableImageView& picture) const {
  for (int y = 0; y < picture.height; ++y) {
    const uint64_t* from = row(first + y);
    uint8_t* to = picture.row(y);
    for (int i = 0; i < words_; ++i, to += kBits) {
      const int count = std::min(kBits, width_ - kBits * i);
      if (from[i] == 0 || from[i] == ~uint64_t{0}) {
        std::memset(to, from[i] == 0 ? 0 : value, static_cast<size_t>(count));
        continue;
      }
      for (int x = 0; x < count; ++x) to[x] = static_cast<uint8_t>(-((from[i] >> x) & 1)) & value;
    }
  }
}

int64_t BitPlane::count() const {
  int64_t ones = 0;
  for (const uint64_t word : bits_) ones += std::popcount(word);
  return ones;
}

void BitPlane::unite(const BitPlane& other) {
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] |= other.bits_[i];
}

void BitPlane::intersect(const BitPlane& other) {
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] &= other.bits_[i];
}

void BitPlane::subtract(const BitPlane& other) {
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] &= ~other.bits_[i];
}

void BitPlane::invert() {
  for (uint64_t& word : bits_) word = ~word;
  if (width_ % kBits == 0) return;
  const uint64_t within = (uint64_t{1} << (width_ % kBits)) - 1;
  for (int y = 0; y < height_; ++y) row(y)[words_ - 1] &= within;
}

// What is united grows by doubling: it reaches 1, 2, 4 ... pixels back, then 2 radius. It is made
// behind its place, with room for that, and moved back by the radius.
void BitPlane::dilate_rows(int radius) {
  const int side = 2 * radius + 1;
  const int room = words_ + radius / kBits + 1;
  scratch_.resize(static_cast<size_t>(room));
  const uint64_t within =
      width_ % kBits == 0 ? ~uint64_t{0} : (uint64_t{1} << (width_ % kBits)) - 1;
  for (int y = 0; y < height_; ++y) {
    uint64_t* own = row(y);
    if (std::all_of(own, own + words_, [](uint64_t word) { return word == 0; })) continue;
    std::copy_n(own, words_, scratch_.begin());
    std::fill(scratch_.begin() + words_, scratch_.end(), 0);
    for (int reach = 1; reach < side;) {
      const int step = std::min(reach, side - reach);
      unite_with_before(scratch_.data(), room, step);
      reach += step;
    }
    move_back(scratch_.data(), room, radius, own, words_);
    own[words_ - 1] &= within;
  }
}

void BitPlane::dilate_columns(int radius) {
  const int side = 2 * radius + 1, rows = height_ + radius;
  const auto row_words = static_cast<size_t>(words_);
  bits_.resize(row_words * static_cast<size_t>(rows), 0);
  for (int reach = 1; reach < side;) {
    const int step = std::min(reach, side - reach);
    const size_t before = row_words * static_cast<size_t>(std::min(step, rows));
    for (size_t i = bits_.size(); i-- > before;) bits_[i] |= bits_[i - before];
    reach += step;
  }
  const size_t moved = row_words * static_cast<size_t>(radius);
  bits_.erase(bits_.begin(), bits_.begin() + static_cast<ptrdiff_t>(moved));
}

void BitPlane::dilate(int radius) {
  if (radius < 1 || bits_.empty()) return;
  dilate_rows(radius);
  dilate_columns(radius);
}

void BitPlane::erode(int radius) {
  invert();
  dilate(radius);
  invert();
}

void BitPlane::dilate_by_cross(int times) {
  const auto row_words = static_cast<size_t>(words_);
  const uint64_t within =
      width_ % kBits == 0 ? ~uint64_t{0} : (uint64_t{1} << (width_ % kBits)) - 1;
  scratch_.resize(2 * row_words);
  uint64_t* above = scratch_.data();  // as they were
  uint64_t* here = above + row_words;
  for (int time = 0; time < times; ++time) {
    std::fill_n(above, row_words, 0);
    for (int y = 0; y < height_; ++y) {
      uint64_t* own = row(y);
      const uint64_t* below = y + 1 < height_ ? row(y + 1) : nullptr;
      std::copy_n(own, row_words, here);
      for (size_t i = 0; i < row_words; ++i) {
        const uint64_t left = (here[i] << 1) | (i > 0 ? here[i - 1] >> (kBits - 1) : 0);
        const uint64_t right =
            (here[i] >> 1) | (i + 1 < row_words ? here[i + 1] << (kBits - 1) : 0);
        own[i] = here[i] | left | right | above[i] | (below ? below[i] : 0);
      }
      own[row_words - 1] &= within;
      std::swap(above, here);
    }
  }
}

void BitPlane::erode_by_cross(int times) {
  invert();
  dilate_by_cross(times);
  invert();
}

}  // namespace lamella::tissue
