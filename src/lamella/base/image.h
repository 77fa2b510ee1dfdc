// SPDX-License-Identifier: Apache-2.0
// 8-bit images, row-major, channels interleaved (h x w x c). Views never own and are never stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella {

struct ImageView {
  const uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  int channels = 3;
  ptrdiff_t stride = 0;  // bytes from one row to the next
  const uint8_t* row(int y) const { return data + y * stride; }
};

struct MutableImageView {
  uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  int channels = 3;
  ptrdiff_t stride = 0;
  uint8_t* row(int y) const { return data + y * stride; }
  operator ImageView() const { return {data, width, height, channels, stride}; }
};

// Owning image, rows packed without padding. Sizes are checked against overflow and against
// kMaxImageBytes (Error kLimit).
class Image {
 public:
  static constexpr size_t kMaxImageBytes = size_t{4} << 30;

  Image() = default;
  Image(int width, int height, int channels = 3, uint8_t fill = 0);

  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const { return channels_; }
  bool empty() const { return bytes_.empty(); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  uint8_t* row(int y) { return bytes_.data() + static_cast<size_t>(y) * width_ * channels_; }
  const uint8_t* row(int y) const {
    return bytes_.data() + static_cast<size_t>(y) * width_ * channels_;
  }
  ImageView view() const;
  MutableImageView view();
  bool operator==(const Image&) const = default;

 private:
  int width_ = 0;
  int height_ = 0;
  int channels_ = 3;
  std::vector<uint8_t> bytes_;
};

// The part of `image` that `rect` (px of this image) covers; the rectangle must lie inside it.
MutableImageView crop(const MutableImageView& image, const RectPx& rect);
ImageView crop(const ImageView& image, const RectPx& rect);

// Copies pixels; the two sizes and channel counts must agree (Error kInternal).
void copy_pixels(const ImageView& from, const MutableImageView& to);
void fill_pixels(const MutableImageView& image, uint8_t value);

}  // namespace lamella
