// SPDX-License-Identifier: Apache-2.0
// Plain geometry. The frame is named by the user of a value: "level-0 px" unless said otherwise,
// x right, y down, origin at the slide's top-left.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lamella {

struct SizePx {
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const SizePx&) const = default;
};

// Half-open: covers [x, x + width) x [y, y + height).
struct RectPx {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const RectPx&) const = default;
  int64_t right() const { return x + width; }
  int64_t bottom() const { return y + height; }
  bool empty() const { return width <= 0 || height <= 0; }
};

struct PointF {
  double x = 0;
  double y = 0;
  bool operator==(const PointF&) const = default;
};

// Half-open, real-valued.
struct RectF {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  bool operator==(const RectF&) const = default;
};

// Micrometres per pixel.
struct Mpp {
  double x = 0;
  double y = 0;
  bool operator==(const Mpp&) const = default;
};

inline RectPx intersect(const RectPx& a, const RectPx& b) {
  const int64_t x0 = std::max(a.x, b.x), y0 = std::max(a.y, b.y);
  const int64_t x1 = std::min(a.right(), b.right()), y1 = std::min(a.bottom(), b.bottom());
  return {x0, y0, std::max<int64_t>(0, x1 - x0), std::max<int64_t>(0, y1 - y0)};
}

}  // namespace lamella
