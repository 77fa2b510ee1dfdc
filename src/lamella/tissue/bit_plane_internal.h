// SPDX-License-Identifier: Apache-2.0
// Masks of one bit a pixel: growing and shrinking takes 64 pixels at once.
#pragma once

#include <cstdint>
#include <vector>

#include "lamella/base/image.h"

namespace lamella::tissue {

// Outside it is 0 for dilate and 1 for erode, so that an edge changes nothing.
class BitPlane {
 public:
  // 1 where the picture (one channel) is not 0. Memory is kept from one picture to the next.
  void load(const ImageView& picture);
  // `value` where it is 1, else 0, to rows of a picture, from the plane's row `first` on.
  void store(int first, uint8_t value, const MutableImageView& picture) const;

  int width() const { return width_; }
  int height() const { return height_; }
  int words() const { return words_; }  // of a row; bits beyond the width are 0
  uint64_t* row(int y) { return bits_.data() + static_cast<ptrdiff_t>(y) * words_; }
  const uint64_t* row(int y) const { return bits_.data() + static_cast<ptrdiff_t>(y) * words_; }
  int64_t count() const;

  // By a square of side 2 radius + 1.
  void dilate(int radius);
  void erode(int radius);
  // By a cross of 3 x 3, `times` over.
  void dilate_by_cross(int times);
  void erode_by_cross(int times);

  void set_zero(int width, int height);
  void unite(const BitPlane& other);      // of the same size
  void intersect(const BitPlane& other);  // of the same size
  void subtract(const BitPlane& other);   // of the same size

 private:
  void invert();
  void dilate_rows(int radius);
  void dilate_columns(int radius);

  int width_ = 0, height_ = 0, words_ = 0;
  std::vector<uint64_t> bits_;
  std::vector<uint64_t> scratch_;
};

}  // namespace lamella::tissue
