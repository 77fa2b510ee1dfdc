// SPDX-License-Identifier: Apache-2.0
// Exact area resampling by streaming: a pixel of the result is the mean of the rectangle that it
// covers in the source, parts of pixels counting by their area. Integer sums, so the result does
// not depend on the order of anything.
#pragma once

#include <cstdint>
#include <vector>

#include "lamella/base/area_mean.h"
#include "lamella/base/image.h"

namespace lamella::slide {

class BoxFilter {
 public:
  // Reduces or keeps each side. Error kInvalidArgument if a side of `to` is less than 1 or more
  // than `from`'s, kLimit if the sums could overflow (more than 2^54 source pixels).
  BoxFilter(SizePx from, SizePx to);

  // The next rows of the source, from the top; from.width x any x 3.
  void add_rows(const ImageView& rows);

  // to.width x to.height x 3; call after all rows were added.
  Image take();

 private:
  void add_row(const uint8_t* row);
  void finish_row();
  SizePx from_, to_;
  AreaAxis columns_;
  std::vector<uint64_t> row_;  // one source row summed along x
  std::vector<uint64_t> sum_;  // the result's row in the making
  int64_t source_y_ = 0, result_y_ = 0;
  Image result_;
};

}  // namespace lamella::slide
