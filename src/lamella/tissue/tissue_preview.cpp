// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lamella/tissue/tissue.h"

namespace lamella::tissue {

namespace {

constexpr uint8_t kOutline[3] = {0, 150, 60};

}  // namespace

Image draw_tissue_preview(const slide::Slide& slide, const TissueMask& mask, int max_px) {
  Image picture = slide::read_thumbnail(slide, max_px);
  const int width = picture.width(), height = picture.height();
  const auto is_tissue = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= width || y >= height) return false;
    const int64_t mx = (2 * int64_t{x} + 1) * mask.mask.width() / (2 * int64_t{width});
    const int64_t my = (2 * int64_t{y} + 1) * mask.mask.height() / (2 * int64_t{height});
    return mask.mask.row(static_cast<int>(my))[mx] != 0;
  };
  // The outline is two pixels wide and lies inside the tissue.
  constexpr int kWidth = 2;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (!is_tissue(x, y)) continue;
      if (is_tissue(x - kWidth, y) && is_tissue(x + kWidth, y) && is_tissue(x, y - kWidth) &&
          is_tissue(x, y + kWidth)) {
        continue;
      }
      std::copy_n(kOutline, 3, picture.row(y) + ptrdiff_t{3} * x);
    }
  }
  return picture;
}

}  // namespace lamella::tissue
