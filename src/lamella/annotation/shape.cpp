// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

namespace lamella::annotation {

std::string to_hex(const Colour& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

std::optional<Colour> parse_hex(std::string_view text) {
  if (text.size() != 7 || text.front() != '#') return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 7, value, 16);
  if (error != std::errc() || end != text.data() + 7) return std::nullopt;
  return Colour{static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
                static_cast<uint8_t>(value)};
}

Colour palette_colour(size_t n) {
  // Okabe and Ito's colours, which the colour-blind can tell apart.
  static constexpr std::array<Colour, 7> kColours = {{{213, 94, 0},
                                                      {0, 114, 178},
                                                      {0, 158, 115},
                                                      {230, 159, 0},
                                                      {204, 121, 167},
                                                      {86, 180, 233},
                                                      {240, 228, 66}}};
  return kColours[n % kColours.size()];
}

std::vector<PointF> ellipse_ring(const RectF& box) {
  constexpr int kPoints = 360;
  std::vector<PointF> ring(kPoints);
  for (int i = 0; i < kPoints; ++i) {
    const double angle = 2 * std::numbers::pi * i / kPoints;
    ring[static_cast<size_t>(i)] = {box.x + box.width * (1 + std::cos(angle)) / 2,
                                    box.y + box.height * (1 + std::sin(angle)) / 2};
  }
  return ring;
}

RectF box_of_ring(const std::vector<PointF>& ring) {
  constexpr double kFar = std::numeric_limits<double>::max();
  double x0 = kFar, y0 = kFar, x1 = -kFar, y1 = -kFar;
  for (const PointF& point : ring) {
    x0 = std::min(x0, point.x);
    y0 = std::min(y0, point.y);
    x1 = std::max(x1, point.x);
    y1 = std::max(y1, point.y);
  }
  return {x0, y0, x1 - x0, y1 - y0};
}

}  // namespace lamella::annotation
