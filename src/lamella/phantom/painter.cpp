// SPDX-License-Identifier: Apache-2.0
// Order of painting, the dyes' development into RGB, and the pen.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "lamella/phantom/painter_internal.h"

namespace lamella::phantom {

namespace {

constexpr float kMaxDye = 2.5f;  // more is as dark as this

std::vector<uint8_t> make_colours(const Stain& stain) {
  std::vector<uint8_t> colours(256 * 256 * 3);
  for (size_t h = 0; h < 256; ++h) {
    for (size_t e = 0; e < 256; ++e) {
      for (size_t c = 0; c < 3; ++c) {
        // Beer-Lambert: optical densities of the dyes add.
        const float density = (static_cast<float>(h) * stain.haematoxylin[c] +
                               static_cast<float>(e) * stain.eosin[c]) *
                              kMaxDye / 255;
        colours[(h * 256 + e) * 3 + c] =
            static_cast<uint8_t>(std::lround(stain.glass[c] * std::exp(-density)));
      }
    }
  }
  return colours;
}

size_t step_of(float dye) {
  return static_cast<size_t>(static_cast<int>(std::min(dye * (255 / kMaxDye), 255.0f) + 0.5f));
}

// Squared distance of a point to a segment.
double distance2(PointF p, PointF a, PointF b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double t =
      std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0);
  const double ex = p.x - a.x - t * dx, ey = p.y - a.y - t * dy;
  return ex * ex + ey * ey;
}

}  // namespace

void DyePlanes::reset(const RectPx& rect, double mpp) {
  width = static_cast<int>(rect.width);
  height = static_cast<int>(rect.height);
  left_um = static_cast<double>(rect.x) * mpp;
  top_um = static_cast<double>(rect.y) * mpp;
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height);
  haematoxylin.assign(count, 0);
  eosin.assign(count, 0);
}

Painter::Painter(Layout layout, double mpp)
    : layout_(std::move(layout)),
      mpp_(mpp),
      fibres_(hash_at(layout_.seed, 1, 1), 32, 5),
      blotches_(hash_at(layout_.seed, 1, 2), 16, 3),
      grain_(hash_at(layout_.seed, 1, 3), 4, 2),
      colours_(make_colours(layout_.stain)) {
  const double turn = Dice(layout_.seed, 1, 4).next() * std::numbers::pi;
  turn_cos_ = static_cast<float>(std::cos(turn));
  turn_sin_ = static_cast<float>(std::sin(turn));
}

void Painter::paint(const RectPx& rect, DyePlanes& planes, const MutableImageView& out) const {
  planes.reset(rect, mpp_);
  paint_ground(rect, planes);
  paint_stroma_nuclei(planes);
  paint_lymphocytes(planes);
  paint_glands(planes);
  paint_tumour_nuclei(planes);
  develop(planes, out);
  draw_pen(rect, out);
}

void Painter::develop(const DyePlanes& planes, const MutableImageView& out) const {
  // The lamp: brightest in the middle of the slide, 3 % darker in the corners; in 1/1024.
  const double half_x = layout_.width_um / 2, half_y = layout_.height_um / 2;
  std::vector<float> shade(static_cast<size_t>(out.width));
  for (int x = 0; x < out.width; ++x) {
    const double u = (planes.left_um + x * mpp_ - half_x) / half_x;
    shade[static_cast<size_t>(x)] = static_cast<float>(15 * u * u);
  }
  for (int y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(planes.width);
    const double v = (planes.top_um + y * mpp_ - half_y) / half_y;
    const auto middle = static_cast<float>(1024 - 15 * v * v);
    for (int x = 0; x < out.width; ++x, to += 3) {
      const auto lamp = static_cast<int>(middle - shade[static_cast<size_t>(x)]);
      const size_t i = row + static_cast<size_t>(x);
      const uint8_t* colour =
          colours_.data() + (step_of(planes.haematoxylin[i]) * 256 + step_of(planes.eosin[i])) * 3;
      for (int c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(colour[c] * lamp >> 10);
    }
  }
}

std::vector<size_t> Painter::pen_segments_near(const RectPx& rect) const {
  const PenMark& pen = layout_.pen;
  const double reach = pen.half_width_um * 1.3;
  std::vector<size_t> near;
  const double left = static_cast<double>(rect.x) * mpp_, top = static_cast<double>(rect.y) * mpp_;
  const double right = static_cast<double>(rect.right()) * mpp_;
  const double bottom = static_cast<double>(rect.bottom()) * mpp_;
  for (size_t i = 0; i + 1 < pen.points_um.size(); ++i) {
    const auto [x0, x1] = std::minmax(pen.points_um[i].x, pen.points_um[i + 1].x);
    const auto [y0, y1] = std::minmax(pen.points_um[i].y, pen.points_um[i + 1].y);
    if (x1 + reach > left && x0 - reach < right && y1 + reach > top && y0 - reach < bottom) {
      near.push_back(i);
    }
  }
  return near;
}

bool Painter::is_glass(const RectPx& rect) const {
  if (!pen_segments_near(rect).empty()) return false;
  // As the ground is painted: its fields are known every 8 px, its edges reach 24 µm out; nuclei
  // less.
  constexpr int64_t kStepPx = 8;
  constexpr double kEdgeUm = 60;
  for (int64_t y = rect.y; y <= rect.bottom() + kStepPx; y += kStepPx) {
    for (int64_t x = rect.x; x <= rect.right() + kStepPx; x += kStepPx) {
      const double depth =
          layout_.tissue_depth_um(static_cast<double>(x) * mpp_, static_cast<double>(y) * mpp_);
      if (depth > -kEdgeUm) return false;
    }
  }
  return true;
}

void Painter::draw_pen(const RectPx& rect, const MutableImageView& out) const {
  const std::vector<size_t> near = pen_segments_near(rect);
  if (near.empty()) return;
  const PenMark& pen = layout_.pen;
  const double reach = pen.half_width_um * 1.3;
  const double left = static_cast<double>(rect.x) * mpp_, top = static_cast<double>(rect.y) * mpp_;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const PointF at = {left + x * mpp_, top + y * mpp_};
      double closest = reach * reach;
      for (const size_t i : near) {
        closest = std::min(closest, distance2(at, pen.points_um[i], pen.points_um[i + 1]));
      }
      if (closest >= reach * reach) continue;
      // Streaks along the stroke; a ragged, slightly darker rim as ink dries.
      const auto fx = static_cast<float>(at.x), fy = static_cast<float>(at.y);
      const float streak = fibres_.linear(fx * 1.5f, fy * 0.12f);
      const float d = static_cast<float>(std::sqrt(closest) / pen.half_width_um) +
                      0.18f * (streak - 0.5f) + 0.06f * (blotches_.linear(fx, fy) - 0.5f);
      const float ink = smooth_step(1.02f, 0.94f, d) *
                        (0.62f + 0.25f * streak + 0.13f * smooth_step(0.7f, 0.95f, d));
      uint8_t* px = out.row(y) + 3 * x;
      for (size_t c = 0; c < 3; ++c) {
        px[c] = static_cast<uint8_t>(px[c] * (1 - ink * (1 - pen.transmittance[c])));
      }
    }
  }
}

}  // namespace lamella::phantom
