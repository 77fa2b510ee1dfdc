// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lamella/base/error.h"
#include "lamella/patch/resample_internal.h"

namespace lamella::patch {

namespace {

// With kMaxReduction 256: a row's sum is at most 255 * 2^14 * 256 < 2^31, a patch's at most
// 255 * 2^44, which a double holds exactly.
constexpr int kAreaBits = 14;
constexpr int64_t kAreaUnit = int64_t{1} << kAreaBits;
constexpr int kChannels = 3;

// A fixed count lets compilers use vector instructions at any optimisation level.
constexpr size_t kBlock = 16;

void blend(const int32_t* __restrict top, const int32_t* __restrict bottom, int32_t top_weight,
           int32_t bottom_weight, size_t count, uint8_t* __restrict to) {
  constexpr int kShift = 2 * ResampleAxis::kLinearBits;
  for (size_t i = 0; i < count; ++i) {
    const int32_t sum = top[i] * top_weight + bottom[i] * bottom_weight;
    to[i] = static_cast<uint8_t>((sum + (1 << (kShift - 1))) >> kShift);
  }
}

void blend_rows_linear(const int32_t* rows, size_t pitch, const ResampleAxis::Tap& tap,
                       const int32_t* weights, uint8_t* to) {
  const int32_t* top = rows + static_cast<size_t>(tap.first) * pitch;
  const int32_t* bottom = tap.count > 1 ? top + pitch : top;
  const int32_t bottom_weight = tap.count > 1 ? weights[1] : 0;
  size_t i = 0;
  for (; i + kBlock <= pitch; i += kBlock) {
    blend(top + i, bottom + i, weights[0], bottom_weight, kBlock, to + i);
  }
  blend(top + i, bottom + i, weights[0], bottom_weight, pitch - i, to + i);
}

void sum_rows(const int32_t* rows, size_t pitch, const ResampleAxis::Tap& tap,
              const int32_t* weights, std::vector<int64_t>& sums) {
  sums.assign(pitch, 0);
  for (int32_t k = 0; k < tap.count; ++k) {
    const int32_t* row = rows + static_cast<size_t>(tap.first + k) * pitch;
    const int64_t weight = weights[k];
    for (size_t i = 0; i < pitch; ++i) sums[i] += weight * row[i];
  }
}

void divide_rows(const std::vector<int64_t>& sums, const ResampleAxis& x, int32_t total_y,
                 uint8_t* to) {
  size_t i = 0;
  for (const ResampleAxis::Tap& tap : x.taps()) {
    const double total = static_cast<double>(tap.total) * total_y;
    for (int c = 0; c < kChannels; ++c, ++i) {
      to[i] = static_cast<uint8_t>(std::floor(static_cast<double>(sums[i]) / total + 0.5));
    }
  }
}

}  // namespace

ResampleAxis::ResampleAxis(double begin, double extent, int out_px) {
  const double scale = extent / out_px;
  if (!(scale > 0 && scale <= kMaxReduction)) {
    throw Error(ErrorCode::kLimit,
                fmt::format("found a reduction of {:.6g} from the nearest level, expected at most "
                            "{}; take a finer mpp",
                            scale, kMaxReduction));
  }
  if (extent < out_px) {
    kind_ = Kind::kLinear;
    make_linear(begin, scale, out_px);
  } else if (extent == out_px && begin == std::floor(begin)) {
    first_px_ = std::llround(begin);
    length_px_ = out_px;
    weights_ = {1};
    for (int o = 0; o < out_px; ++o) taps_.push_back({o, 1, 0, 1});
  } else {
    kind_ = Kind::kArea;
    make_area(begin, scale, out_px);
  }
}

void ResampleAxis::make_linear(double begin, double scale, int out_px) {
  constexpr int32_t kUnit = 1 << kLinearBits;
  const double end = begin + scale * out_px;
  // A border that is whole but for rounding does not open another pixel.
  constexpr double kRounding = 1e-6;
  first_px_ = static_cast<int64_t>(std::floor(begin + kRounding));
  const int64_t last_px = std::max(first_px_, static_cast<int64_t>(std::ceil(end - kRounding)) - 1);
  length_px_ = last_px - first_px_ + 1;
  for (int o = 0; o < out_px; ++o) {
    const double centre = begin + (o + 0.5) * scale - 0.5;
    const int64_t low = static_cast<int64_t>(std::floor(centre));
    const int32_t high_weight =
        static_cast<int32_t>(std::llround((centre - static_cast<double>(low)) * kUnit));
    const int32_t first_weight = static_cast<int32_t>(weights_.size());
    const int32_t first = static_cast<int32_t>(std::clamp(low, first_px_, last_px) - first_px_);
    if (low < first_px_ || low >= last_px) {
      weights_.push_back(kUnit);
      taps_.push_back({first, 1, first_weight, kUnit});
    } else {
      weights_.insert(weights_.end(), {kUnit - high_weight, high_weight});
      taps_.push_back({first, 2, first_weight, kUnit});
    }
  }
}

void ResampleAxis::make_area(double begin, double scale, int out_px) {
  const auto border = [&](int o) {
    return std::llround((begin + o * scale) * static_cast<double>(kAreaUnit));
  };
  first_px_ = border(0) >> kAreaBits;
  length_px_ = ((border(out_px) + kAreaUnit - 1) >> kAreaBits) - first_px_;
  AreaAxis axis = AreaAxis::of_borders(kAreaUnit, out_px, [&](int64_t o) {
    return border(static_cast<int>(o)) - first_px_ * kAreaUnit;
  });
  taps_ = std::move(axis.taps);
  weights_ = std::move(axis.weights);
}

void resample(const ImageView& from, const ResampleAxis& x, const ResampleAxis& y,
              const MutableImageView& to, ResampleScratch& scratch) {
  if (from.width != x.length_px() || from.height != y.length_px() || to.width != x.out_px() ||
      to.height != y.out_px() || from.channels != kChannels || to.channels != kChannels) {
    throw Error(ErrorCode::kInternal, "resample: the images do not have the sizes of the axes");
  }
  if (x.is_copy() && y.is_copy()) return copy_pixels(from, to);
  const size_t pitch = static_cast<size_t>(to.width) * kChannels;
  scratch.rows.resize(pitch * static_cast<size_t>(from.height));
  for (int row = 0; row < from.height; ++row) {
    sum_row(from.row(row), 0, x.taps(), x.weights(),
            scratch.rows.data() + static_cast<size_t>(row) * pitch);
  }
  for (int row = 0; row < to.height; ++row) {
    const ResampleAxis::Tap& tap = y.taps()[static_cast<size_t>(row)];
    const int32_t* weights = y.weights().data() + tap.first_weight;
    if (x.is_linear() && y.is_linear()) {
      blend_rows_linear(scratch.rows.data(), pitch, tap, weights, to.row(row));
    } else {
      sum_rows(scratch.rows.data(), pitch, tap, weights, scratch.sums);
      divide_rows(scratch.sums, x, tap.total, to.row(row));
    }
  }
}

}  // namespace lamella::patch
