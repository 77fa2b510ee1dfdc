// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/spline.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lamella::annotation {

namespace {

constexpr int kLines = 16;

PointF mix(const PointF& a, const PointF& b, double ta, double tb, double t) {
  const double part = (t - ta) / (tb - ta);
  return {a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part};
}

// Barry and Goldman's pyramid: t is 0 at p[1] and 1 at p[2].
PointF on_curve(const std::array<PointF, 4>& p, const std::array<double, 4>& knots, double part) {
  const double t = knots[1] + (knots[2] - knots[1]) * part;
  const PointF a = mix(p[0], p[1], knots[0], knots[1], t),
               b = mix(p[1], p[2], knots[1], knots[2], t),
               c = mix(p[2], p[3], knots[2], knots[3], t);
  return mix(mix(a, b, knots[0], knots[2], t), mix(b, c, knots[1], knots[3], t), knots[1], knots[2],
             t);
}

}  // namespace

std::vector<PointF> flatten_spline(std::vector<PointF> points) {
  points.erase(std::unique(points.begin(), points.end()), points.end());
  while (points.size() > 1 && points.front() == points.back()) points.pop_back();
  const size_t n = points.size();
  if (n < 3) return points;
  std::vector<PointF> ring;
  for (size_t i = 0; i < n; ++i) {
    const std::array<PointF, 4> p = {points[(i + n - 1) % n], points[i], points[(i + 1) % n],
                                     points[(i + 2) % n]};
    std::array<double, 4> knots{};
    for (size_t k = 1; k < 4; ++k) {
      // Centripetal: the square root of the distance.
      knots[k] = knots[k - 1] + std::sqrt(std::hypot(p[k].x - p[k - 1].x, p[k].y - p[k - 1].y));
    }
    ring.push_back(p[1]);
    for (int line = 1; line < kLines; ++line) {
      ring.push_back(on_curve(p, knots, static_cast<double>(line) / kLines));
    }
  }
  return ring;
}

}  // namespace lamella::annotation
