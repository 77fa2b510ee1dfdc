// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lamella/base/error.h"
#include "lamella/base/huge_pages.h"
#include "lamella/imagefile/imagefile.h"
#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

void TissueMask::index() {
  const size_t width = static_cast<size_t>(mask.width()), height = size_t(mask.height());
  if (width * height > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::kLimit,
                fmt::format("found a mask of {} x {} px, expected at most 2^32 - 1 "
                            "px in all",
                            width, height));
  }
  integral_.reserve((width + 1) * (height + 1));
  prefer_huge_pages(integral_.data(), integral_.capacity() * sizeof(uint32_t));
  integral_.assign((width + 1) * (height + 1), 0);
  for (size_t y = 0; y < height; ++y) {
    const uint8_t* row = mask.row(static_cast<int>(y));
    const uint32_t* above = integral_.data() + y * (width + 1);
    uint32_t* here = integral_.data() + (y + 1) * (width + 1);
    uint32_t sum = 0;
    for (size_t x = 0; x < width; ++x) {
      sum += row[x] != 0;
      here[x + 1] = above[x + 1] + sum;
    }
  }
  tissue_fraction =
      mask.empty() ? 0
                   : static_cast<double>(integral_.back()) / static_cast<double>(width * height);
}

double TissueMask::fraction(const RectF& rect) const {
  if (!(rect.width > 0) || !(rect.height > 0)) return 0;
  if (integral_.empty()) {
    throw Error(ErrorCode::kInternal, "a tissue mask is used before TissueMask::index()");
  }
  const double width = mask.width(), height = mask.height();
  const size_t pitch = static_cast<size_t>(mask.width()) + 1;
  // Tissue in [0, x) x [0, y): within a mask pixel the integral is bilinear, so this is exact.
  const auto integral_at = [&](double x, double y) {
    const double floor_x = std::min(std::floor(x), width - 1);
    const double floor_y = std::min(std::floor(y), height - 1);
    const double fx = x - floor_x, fy = y - floor_y;
    const uint32_t* corner =
        integral_.data() + static_cast<size_t>(floor_y) * pitch + static_cast<size_t>(floor_x);
    const auto value = [&](size_t offset) { return static_cast<double>(corner[offset]); };
    return (1 - fy) * ((1 - fx) * value(0) + fx * value(1)) +
           fy * ((1 - fx) * value(pitch) + fx * value(pitch + 1));
  };
  const double x0 = std::clamp(rect.x / downsample_x, 0.0, width);
  const double y0 = std::clamp(rect.y / downsample_y, 0.0, height);
  const double x1 = std::clamp((rect.x + rect.width) / downsample_x, 0.0, width);
  const double y1 = std::clamp((rect.y + rect.height) / downsample_y, 0.0, height);
  if (!(x0 < x1) || !(y0 < y1)) return 0;
  const double tissue =
      integral_at(x1, y1) - integral_at(x0, y1) - integral_at(x1, y0) + integral_at(x0, y0);
  const double area = (rect.width / downsample_x) * (rect.height / downsample_y);
  // Rounding of a fraction that is really 0 or 1.
  constexpr double kRounding = 1e-9;
  const double part = tissue / area;
  if (part < kRounding) return 0;
  return part > 1 - kRounding ? 1 : part;
}

TissueMask all_tissue(const slide::SlideInfo& info) {
  TissueMask result;
  result.mask = Image(1, 1, 1, 255);
  result.downsample_x = static_cast<double>(info.size_px().width);
  result.downsample_y = static_cast<double>(info.size_px().height);
  result.index();
  return result;
}

void write_tissue_mask(const TissueMask& mask, const std::string& path) {
  imagefile::write_png(mask.mask.view(), path);
}

}  // namespace lamella::tissue
