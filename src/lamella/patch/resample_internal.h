// SPDX-License-Identifier: Apache-2.0
// From a level's pixels to a patch's, and from these to an encoder's input. Integer arithmetic: the
// same pixels on every machine and with any number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "lamella/base/area_mean.h"
#include "lamella/base/image.h"

namespace lamella::patch {

// One axis: out_px samples over the window [begin, begin + extent) of level px.
//   extent > out_px  area: mean over [begin + o s, begin + (o + 1) s), s = extent / out_px, borders
//                    rounded to 1/16384 px
//   extent = out_px  copy where begin is whole, else area
//   extent < out_px  bilinear between pixel centres, (begin + (o + 0.5) s - 0.5), weights rounded
//                    to 1/2048; samples outside the window are clamped to its first and last pixel
class ResampleAxis {
 public:
  // Error kLimit if s is more than kMaxReduction.
  ResampleAxis(double begin, double extent, int out_px);

  static constexpr double kMaxReduction = 256;

  int64_t first_px() const { return first_px_; }  // whole level px that are read
  int64_t length_px() const { return length_px_; }
  int out_px() const { return static_cast<int>(taps_.size()); }
  bool is_copy() const { return kind_ == Kind::kCopy; }
  bool is_linear() const { return kind_ == Kind::kLinear; }

  using Tap = AreaTap;  // `first` counts from first_px()
  const std::vector<Tap>& taps() const { return taps_; }
  const std::vector<int32_t>& weights() const { return weights_; }

  static constexpr int kLinearBits = 11;  // total of a bilinear tap: 1 << kLinearBits

 private:
  enum class Kind { kCopy, kLinear, kArea };

  void make_linear(double begin, double scale, int out_px);
  void make_area(double begin, double scale, int out_px);

  Kind kind_ = Kind::kCopy;
  int64_t first_px_ = 0;
  int64_t length_px_ = 0;
  std::vector<Tap> taps_;
  std::vector<int32_t> weights_;
};

// Memory that resample() reuses; one per thread.
struct ResampleScratch {
  std::vector<int32_t> rows;
  std::vector<int64_t> sums;
  std::vector<uint8_t> made;  // a field of view at the patch's scale
};

// `from`: the length_px() x length_px() pixels (RGB) that the axes read; `to`: out_px() x out_px().
// Values are rounded half up.
void resample(const ImageView& from, const ResampleAxis& x, const ResampleAxis& y,
              const MutableImageView& to, ResampleScratch& scratch);

}  // namespace lamella::patch
