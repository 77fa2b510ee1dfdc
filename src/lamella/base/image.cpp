// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/image.h"

#include <fmt/format.h>

#include <cstring>

#include "lamella/base/checked.h"
#include "lamella/base/error.h"
#include "lamella/base/huge_pages.h"

namespace lamella {

Image::Image(int width, int height, int channels, uint8_t fill)
    : width_(width), height_(height), channels_(channels) {
  const int64_t bytes =
      checked_mul(checked_mul(width, height, "image size"), channels, "image size");
  if (static_cast<uint64_t>(bytes) > kMaxImageBytes) {
    throw Error(ErrorCode::kLimit,
                fmt::format("an image of {} x {} x {} bytes was asked for; the limit is {} bytes",
                            width, height, channels, kMaxImageBytes));
  }
  bytes_.reserve(static_cast<size_t>(bytes));
  prefer_huge_pages(bytes_.data(), static_cast<size_t>(bytes));
  bytes_.assign(static_cast<size_t>(bytes), fill);
}

ImageView Image::view() const {
  return {bytes_.data(), width_, height_, channels_, ptrdiff_t{width_} * channels_};
}

MutableImageView Image::view() {
  return {bytes_.data(), width_, height_, channels_, ptrdiff_t{width_} * channels_};
}

namespace {

template <typename View>
View crop_view(const View& image, const RectPx& rect) {
  if (rect.x < 0 || rect.y < 0 || rect.width < 0 || rect.height < 0 || rect.right() > image.width ||
      rect.bottom() > image.height) {
    throw Error(ErrorCode::kInternal,
                fmt::format("crop {},{} {}x{} of an image of {}x{}", rect.x, rect.y, rect.width,
                            rect.height, image.width, image.height));
  }
  View part = image;
  part.data = image.data + rect.y * image.stride + rect.x * image.channels;
  part.width = static_cast<int>(rect.width);
  part.height = static_cast<int>(rect.height);
  return part;
}

}  // namespace

MutableImageView crop(const MutableImageView& image, const RectPx& rect) {
  return crop_view(image, rect);
}

ImageView crop(const ImageView& image, const RectPx& rect) { return crop_view(image, rect); }

void copy_pixels(const ImageView& from, const MutableImageView& to) {
  if (from.width != to.width || from.height != to.height || from.channels != to.channels) {
    throw Error(ErrorCode::kInternal,
                fmt::format("copy of {}x{}x{} pixels into {}x{}x{}", from.width, from.height,
                            from.channels, to.width, to.height, to.channels));
  }
  const size_t bytes = static_cast<size_t>(from.width) * from.channels;
  for (int y = 0; y < from.height; ++y) std::memcpy(to.row(y), from.row(y), bytes);
}

void fill_pixels(const MutableImageView& image, uint8_t value) {
  const size_t bytes = static_cast<size_t>(image.width) * image.channels;
  for (int y = 0; y < image.height; ++y) std::memset(image.row(y), value, bytes);
}

}  // namespace lamella
