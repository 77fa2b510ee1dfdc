// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/slide/box_filter_internal.h"

namespace lamella::slide {

BoxFilter::BoxFilter(SizePx from, SizePx to) : from_(from), to_(to) {
  if (to.width < 1 || to.height < 1 || to.width > from.width || to.height > from.height) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("cannot reduce {} x {} px to {} x {} px", from.width, from.height,
                            to.width, to.height));
  }
  if (from.height > (int64_t{1} << 54) / from.width) {
    throw Error(ErrorCode::kLimit,
                fmt::format("{} x {} px are too many to average", from.width, from.height));
  }
  columns_ = AreaAxis::whole(from.width, to.width);
  result_ = Image(static_cast<int>(to.width), static_cast<int>(to.height));
  row_.resize(static_cast<size_t>(to.width) * 3);
  sum_.resize(row_.size());
}

void BoxFilter::add_rows(const ImageView& rows) {
  if (rows.width != from_.width || rows.channels != 3 || rows.height > from_.height - source_y_) {
    throw Error(ErrorCode::kInternal, "rows that do not fit the source were given to a box filter");
  }
  for (int y = 0; y < rows.height; ++y) add_row(rows.row(y));
}

void BoxFilter::add_row(const uint8_t* pixel) {
  sum_row(pixel, 0, columns_.taps, columns_.weights, row_.data());
  // In units of 1/to.height of a source pixel: source row y covers [y to, (y + 1) to), the result's
  // row r [r from, (r + 1) from).
  const int64_t top = source_y_ * to_.height, bottom = top + to_.height;
  const int64_t end = (result_y_ + 1) * from_.height;
  const auto first = static_cast<uint64_t>(std::min(bottom, end) - top);
  for (size_t k = 0; k < sum_.size(); ++k) sum_[k] += first * row_[k];
  ++source_y_;
  if (bottom < end) return;
  finish_row();
  const auto rest = static_cast<uint64_t>(bottom - end);
  for (size_t k = 0; k < sum_.size(); ++k) sum_[k] = rest * row_[k];
}

void BoxFilter::finish_row() {
  const auto area = static_cast<uint64_t>(from_.width) * static_cast<uint64_t>(from_.height);
  uint8_t* out = result_.row(static_cast<int>(result_y_++));
  for (size_t k = 0; k < sum_.size(); ++k) {
    out[k] = rounded_mean(sum_[k], area);
  }
}

Image BoxFilter::take() {
  if (source_y_ != from_.height) {
    throw Error(ErrorCode::kInternal, "a box filter was asked for its result too early");
  }
  return std::move(result_);
}

}  // namespace lamella::slide
