// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lamella/base/random.h"
#include "lamella/phantom/layout_internal.h"
#include "lamella/phantom/noise_internal.h"

namespace lamella::phantom {

namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform();
}

Stain make_stain(uint64_t seed) {
  Random random(seed);
  Stain stain{{0.80f, 0.98f, 0.46f}, {0.17f, 0.90f, 0.46f}, {246, 245, 246}};
  const double h = between(random, 0.88, 1.12), e = between(random, 0.82, 1.12);
  for (size_t c = 0; c < 3; ++c) {
    stain.haematoxylin[c] *= static_cast<float>(h * between(random, 0.95, 1.05));
    stain.eosin[c] *= static_cast<float>(e * between(random, 0.90, 1.10));
    stain.glass[c] += static_cast<float>(between(random, -2.5, 2.5));
  }
  return stain;
}

std::vector<Blob> make_pieces(Random& random, double width, double height, double scale) {
  std::vector<Blob> pieces;
  const auto add = [&](double x, double y, double rx, double ry) {
    const double jitter_x = between(random, -0.02, 0.02), jitter_y = between(random, -0.02, 0.02);
    pieces.emplace_back(random.bits(), PointF{(x + jitter_x) * width, (y + jitter_y) * height},
                        rx * width * scale, ry * height * scale, 0.13);
  };
  const bool one = random.uniform() < 0.55;
  if (one) {
    add(0.5, 0.5, between(random, 0.36, 0.40), between(random, 0.35, 0.39));
  } else {
    add(0.28, 0.5, between(random, 0.18, 0.21), between(random, 0.33, 0.38));
    add(0.73, 0.5, between(random, 0.18, 0.21), between(random, 0.30, 0.37));
  }
  return pieces;
}

double sample_tissue_area(const Layout& layout) {
  constexpr int kSide = 160;
  // Small tissue would fall between the points of a grid over the whole slide.
  double left = 0, top = 0, right = layout.width_um, bottom = layout.height_um;
  if (layout.side_um < std::min(right, bottom)) {
    std::swap(left, right);
    std::swap(top, bottom);
    for (const Blob& piece : layout.pieces) {
      const double reach = piece.reach_um() + 0.1 * layout.side_um;
      left = std::min(left, piece.centre().x - reach);
      right = std::max(right, piece.centre().x + reach);
      top = std::min(top, piece.centre().y - reach);
      bottom = std::max(bottom, piece.centre().y + reach);
    }
  }
  int inside = 0;
  for (int j = 0; j < kSide; ++j) {
    for (int i = 0; i < kSide; ++i) {
      inside += layout.tissue_depth_um(left + (i + 0.5) / kSide * (right - left),
                                       top + (j + 0.5) / kSide * (bottom - top)) > 0;
    }
  }
  return (right - left) * (bottom - top) * inside / (kSide * kSide);
}

bool fits(const Layout& layout, const Blob& nest, double margin_um) {
  for (const Blob& other : layout.nests) {
    const double distance =
        std::hypot(nest.centre().x - other.centre().x, nest.centre().y - other.centre().y);
    if (distance < nest.reach_um() + other.reach_um() + margin_um) return false;
  }
  if (layout.tissue_depth_um(nest.centre().x, nest.centre().y) < margin_um) return false;
  for (const PointF& point : nest.outline_um(32)) {
    if (layout.tissue_depth_um(point.x, point.y) < margin_um) return false;
  }
  return true;
}

// Nests at random places until they cover their share of the tissue; where there is no room, the
// next try is a little smaller.
void place_nests(Random& random, Layout& layout) {
  const double side = layout.side_um;
  const double usual = std::clamp(0.1 * side, std::min(45.0, 0.17 * side), 600.0);
  const double margin = std::min(14.0, 0.02 * side);
  const double wanted = between(random, 0.2, 0.3) * layout.tissue_um2;
  constexpr int kFailures = 1200;  // one after another: the tissue is full
  double covered = 0, shrink = 1;
  for (int failures = 0; failures < kFailures && covered < wanted; ++failures) {
    PointF centre = {random.uniform(), random.uniform()};
    if (layout.side_um < std::min(layout.width_um, layout.height_um)) {
      // Small tissue is rarely hit: look where it is.
      const Blob& piece = layout.pieces[random.below(layout.pieces.size())];
      centre.x = piece.centre().x + (2 * centre.x - 1) * piece.reach_um();
      centre.y = piece.centre().y + (2 * centre.y - 1) * piece.reach_um();
    } else {
      centre = {centre.x * layout.width_um, centre.y * layout.height_um};
    }
    const double radius = usual * shrink * between(random, 0.75, 1.35);
    const uint64_t shape = random.bits();
    const Blob nest(shape, centre, radius, radius * between(random, 0.75, 1.2), 0.24);
    if (covered + nest.area_um2() > 0.33 * layout.tissue_um2 || !fits(layout, nest, margin)) {
      shrink = std::max(shrink * 0.998, 0.5);
      continue;
    }
    covered += nest.area_um2();
    layout.nests.push_back(nest);
    failures = 0;
  }
}

// A stroke beside or over the tissue's edge, as drawn by hand.
PenMark make_pen(Random& random, double width, double height) {
  static constexpr std::array<std::array<float, 3>, 3> kInks = {
      {{0.16f, 0.28f, 0.72f}, {0.12f, 0.55f, 0.34f}, {0.16f, 0.16f, 0.20f}}};
  PenMark pen;
  pen.transmittance = kInks[random.below(kInks.size())];
  pen.half_width_um = 0.009 * std::min(width, height) * between(random, 0.8, 1.2);
  const bool left = random.uniform() < 0.5;
  const double x = left ? between(random, 0.06, 0.10) : between(random, 0.90, 0.94);
  const double bow = (left ? 1 : -1) * between(random, 0.02, 0.07);
  const double top = between(random, 0.10, 0.25), bottom = between(random, 0.55, 0.85);
  for (int i = 0; i <= 24; ++i) {
    const double t = i / 24.0;
    const double bend = bow * (4 * t * (1 - t) - 0.6) + 0.006 * std::sin(9 * t);
    pen.points_um.push_back({(x - bend) * width, (top + t * (bottom - top)) * height});
  }
  return pen;
}

}  // namespace

Blob::Blob(uint64_t seed, PointF centre_um, double radius_x_um, double radius_y_um, double lobes)
    : centre_(centre_um), radius_x_(radius_x_um), radius_y_(radius_y_um), reach_(0) {
  Random random(seed);
  constexpr int kWaves = 7;
  std::array<double, kWaves> height{}, phase{};
  for (int k = 0; k < kWaves; ++k) {
    height[k] = lobes * between(random, 0.3, 1.0) / std::pow(k + 1.0, 0.8);
    phase[k] = between(random, 0, kTwoPi);
  }
  for (int i = 0; i < kAngles; ++i) {
    double ratio = 1;
    for (int k = 0; k < kWaves; ++k)
      ratio += height[k] * std::sin((k + 2) * kTwoPi * i / kAngles + phase[k]);
    ratio_[i] = static_cast<float>(std::clamp(ratio, 0.35, 1.7));
    const double angle = kTwoPi * i / kAngles;
    reach_ = std::max(
        reach_, ratio_[i] * std::hypot(radius_x_ * std::cos(angle), radius_y_ * std::sin(angle)));
  }
}

double Blob::ratio(double angle) const {
  const double place = (angle / kTwoPi + 1) * kAngles;
  const auto i = static_cast<int>(place);
  const double t = place - i;
  return ratio_[i % kAngles] * (1 - t) + ratio_[(i + 1) % kAngles] * t;
}

double Blob::depth_um(double x, double y) const {
  const double dx = x - centre_.x, dy = y - centre_.y;
  const double far = dx * dx + dy * dy;
  const double beyond = 1.5 * reach_ + 60;
  if (far > beyond * beyond) return reach_ - std::sqrt(far);
  const double u = dx / radius_x_, v = dy / radius_y_;
  return (ratio(std::atan2(v, u)) - std::hypot(u, v)) * std::min(radius_x_, radius_y_);
}

std::vector<PointF> Blob::outline_um(int points) const {
  std::vector<PointF> outline;
  for (int i = 0; i < points; ++i) {
    const double angle = kTwoPi * i / points, r = ratio(angle);
    outline.push_back(
        {centre_.x + r * radius_x_ * std::cos(angle), centre_.y + r * radius_y_ * std::sin(angle)});
  }
  return outline;
}

double Blob::area_um2() const {
  double sum = 0;
  for (const float ratio : ratio_) sum += ratio * ratio;
  return std::numbers::pi * radius_x_ * radius_y_ * sum / kAngles;
}

double Layout::tissue_depth_um(double x, double y) const {
  double depth = -std::numeric_limits<double>::max();
  for (const Blob& piece : pieces) depth = std::max(depth, piece.depth_um(x, y));
  if (std::abs(depth) > 0.2 * side_um) return depth;
  return depth +
         0.10 * side_um * (fractal_noise(seed + 10, 9 * x / side_um, 9 * y / side_um) - 0.5f);
}

double Layout::nest_depth_um(double x, double y) const {
  double depth = -1e9;
  for (const Blob& nest : nests) depth = std::max(depth, nest.depth_um(x, y));
  return depth;
}

Layout make_layout(uint64_t slide_seed, uint64_t patient_seed, SizePx size_px, double mpp,
                   double tissue_scale) {
  Layout layout;
  layout.seed = slide_seed;
  layout.width_um = static_cast<double>(size_px.width) * mpp;
  layout.height_um = static_cast<double>(size_px.height) * mpp;
  layout.side_um = std::min(layout.width_um, layout.height_um) * tissue_scale;
  layout.stain = make_stain(patient_seed);
  Random random(slide_seed);
  layout.pieces = make_pieces(random, layout.width_um, layout.height_um, tissue_scale);
  layout.tissue_um2 = sample_tissue_area(layout);
  place_nests(random, layout);
  layout.pen = make_pen(random, layout.width_um, layout.height_um);
  return layout;
}

}  // namespace lamella::phantom
