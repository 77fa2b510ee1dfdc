// SPDX-License-Identifier: Apache-2.0
// Nuclei and glands. Each kind sits on its own jittered lattice over the whole slide, and a tile
// stamps those that reach into it in the lattice's order: neighbouring tiles agree at the seam.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "lamella/phantom/painter_internal.h"

namespace lamella::phantom {

namespace {

constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;
constexpr double kGlandLattice = 118;  // µm
constexpr double kGlandReach = 68;     // µm, of the largest gland

struct Range {
  int first = 0;
  int end = 0;
};

// Pixels of a tile side that [centre - reach, centre + reach] (µm from the tile's edge) covers.
Range covered(double centre, double reach, double mpp, int size) {
  const double low = std::floor((centre - reach) / mpp), high = std::ceil((centre + reach) / mpp);
  return {static_cast<int>(std::clamp(low, 0.0, double(size))),
          static_cast<int>(std::clamp(high, 0.0, double(size)))};
}

// Calls visit(column, row) for the lattice cells whose content may reach into the tile.
template <typename Visit>
void for_lattice(const DyePlanes& planes, double mpp, double lattice, double reach, Visit visit) {
  const auto first_x = static_cast<int64_t>(std::floor((planes.left_um - reach) / lattice));
  const auto first_y = static_cast<int64_t>(std::floor((planes.top_um - reach) / lattice));
  const auto last_x =
      static_cast<int64_t>(std::floor((planes.left_um + planes.width * mpp + reach) / lattice));
  const auto last_y =
      static_cast<int64_t>(std::floor((planes.top_um + planes.height * mpp + reach) / lattice));
  for (int64_t row = first_y; row <= last_y; ++row) {
    for (int64_t column = first_x; column <= last_x; ++column) visit(column, row);
  }
}

}  // namespace

void Painter::stamp(DyePlanes& planes, const Nucleus& nucleus) const {
  const Ellipse& e = nucleus.shape;
  const double cx = e.x_um - planes.left_um, cy = e.y_um - planes.top_um;
  const double reach = std::max(e.a_um, e.b_um) * (1 + 0.5 * nucleus.wobble) + 0.5;
  const Range xs = covered(cx, reach, mpp_, planes.width);
  const Range ys = covered(cy, reach, mpp_, planes.height);
  if (xs.first >= xs.end || ys.first >= ys.end) return;
  const float c = std::cos(e.angle), s = std::sin(e.angle);
  // The edge is blurred over about 0.7 µm, as an objective does.
  const float sharpness = std::min(e.a_um, e.b_um) / (2 * std::max(0.45f, 0.7f * float(mpp_)));
  // Every nucleus looks at its own part of the textures.
  const auto shift = static_cast<float>(std::fmod(e.x_um * 7.3 + e.y_um * 3.1, 400.0));
  const float spot_x = 0.22f * std::sin(shift), spot_y = 0.22f * std::cos(3 * shift);
  for (int y = ys.first; y < ys.end; ++y) {
    const auto dy = static_cast<float>((y + 0.5) * mpp_ - cy);
    for (int x = xs.first; x < xs.end; ++x) {
      const auto dx = static_cast<float>((x + 0.5) * mpp_ - cx);
      const float p = (dx * c + dy * s) / e.a_um, q = (dy * c - dx * s) / e.b_um;
      const float wave = blotches_.nearest(dx * 1.6f + shift, dy * 1.6f) - 0.5f;
      const float d = p * p + q * q + nucleus.wobble * wave;
      const float cover = std::clamp((1 - d) * sharpness, 0.0f, 1.0f);
      if (cover <= 0) continue;
      const float chromatin = blotches_.nearest(dx * 6 + 3 * shift, dy * 6);
      const float spot = (p - spot_x) * (p - spot_x) + (q - spot_y) * (q - spot_y);
      float dye = 0.62f + 0.76f * chromatin;
      dye *= 1 - nucleus.clearing * (0.45f - 0.75f * smooth_step(0.45f, 0.95f, d));
      if (spot < 0.09f) dye += nucleus.nucleolus * (1 - spot / 0.09f);
      const size_t i =
          static_cast<size_t>(y) * static_cast<size_t>(planes.width) + static_cast<size_t>(x);
      planes.haematoxylin[i] += cover * (nucleus.haematoxylin * dye - planes.haematoxylin[i]);
      planes.eosin[i] += cover * (nucleus.eosin - planes.eosin[i]);
    }
  }
}

void Painter::paint_stroma_nuclei(DyePlanes& planes) const {
  constexpr double kLattice = 17;
  for_lattice(planes, mpp_, kLattice, 12, [&](int64_t column, int64_t row) {
    Dice dice(layout_.seed + 40, column, row);
    if (dice.next() > 0.62f) return;
    Nucleus n;
    n.shape.x_um = (static_cast<double>(column) + dice.next()) * kLattice;
    n.shape.y_um = (static_cast<double>(row) + dice.next()) * kLattice;
    if (layout_.tissue_depth_um(n.shape.x_um, n.shape.y_um) < 10) return;
    n.shape.angle =
        static_cast<float>(fibre_angle(n.shape.x_um, n.shape.y_um)) + dice.between(-0.3f, 0.3f);
    const bool spindle = dice.next() < 0.72f;
    n.shape.a_um = spindle ? dice.between(4.6f, 8.5f) : dice.between(3.0f, 4.4f);
    n.shape.b_um = spindle ? dice.between(1.2f, 2.0f) : dice.between(2.0f, 3.0f);
    n.haematoxylin = dice.between(0.75f, 1.15f);
    n.eosin = 0.35f;
    n.wobble = 0.35f;
    stamp(planes, n);
  });
}

void Painter::paint_lymphocytes(DyePlanes& planes) const {
  constexpr double kLattice = 9;
  for_lattice(planes, mpp_, kLattice, 5, [&](int64_t column, int64_t row) {
    Dice dice(layout_.seed + 41, column, row);
    Nucleus n;
    n.shape.x_um = (static_cast<double>(column) + dice.next()) * kLattice;
    n.shape.y_um = (static_cast<double>(row) + dice.next()) * kLattice;
    const float crowd = fractal_noise(layout_.seed + 42, n.shape.x_um / 130, n.shape.y_um / 130);
    if (dice.next() > 0.75f * smooth_step(0.66f, 0.80f, crowd)) return;
    if (layout_.tissue_depth_um(n.shape.x_um, n.shape.y_um) < 12) return;
    if (layout_.nest_depth_um(n.shape.x_um, n.shape.y_um) > -3) return;
    n.shape.a_um = dice.between(2.3f, 2.9f);
    n.shape.b_um = n.shape.a_um * dice.between(0.85f, 1.0f);
    n.shape.angle = dice.next() * kTwoPi;
    n.haematoxylin = dice.between(1.25f, 1.6f);
    n.wobble = 0.12f;
    stamp(planes, n);
  });
}

bool Painter::gland_at(int64_t column, int64_t row, Ellipse* gland, float* lumen) const {
  Dice dice(layout_.seed + 50, column, row);
  gland->x_um = (static_cast<double>(column) + dice.between(0.3f, 0.7f)) * kGlandLattice;
  gland->y_um = (static_cast<double>(row) + dice.between(0.3f, 0.7f)) * kGlandLattice;
  const float lobule = fractal_noise(layout_.seed + 51, gland->x_um / 420, gland->y_um / 420);
  if (dice.next() > smooth_step(0.34f, 0.56f, lobule)) return false;
  gland->a_um = dice.between(30, 54);
  gland->b_um = gland->a_um * dice.between(0.6f, 0.95f);
  gland->angle = dice.next() * kTwoPi;
  *lumen = dice.between(0.34f, 0.62f);
  return layout_.tissue_depth_um(gland->x_um, gland->y_um) > gland->a_um + 16 &&
         layout_.nest_depth_um(gland->x_um, gland->y_um) < -(gland->a_um + 12.0);
}

void Painter::paint_glands(DyePlanes& planes) const {
  for_lattice(planes, mpp_, kGlandLattice, kGlandReach, [&](int64_t column, int64_t row) {
    Ellipse gland;
    float lumen = 0;
    if (!gland_at(column, row, &gland, &lumen)) return;
    paint_gland(planes, gland, lumen, hash_at(layout_.seed + 52, column, row));
  });
}

void Painter::paint_gland(DyePlanes& planes, const Ellipse& gland, float lumen,
                          uint64_t seed) const {
  const double cx = gland.x_um - planes.left_um, cy = gland.y_um - planes.top_um;
  const float c = std::cos(gland.angle), s = std::sin(gland.angle);
  const float shift = Dice(seed, 0, 0).between(0, 400);
  // Distance from the centre as a part of the way to the wall; > 1 outside.
  const auto place = [&](float dx, float dy) {
    const float p = (dx * c + dy * s) / gland.a_um, q = (dy * c - dx * s) / gland.b_um;
    return std::sqrt(p * p + q * q) +
           0.36f * (blotches_.linear(dx * 0.26f + shift, dy * 0.26f) - 0.5f);
  };
  const Range xs = covered(cx, 1.25 * gland.a_um, mpp_, planes.width);
  const Range ys = covered(cy, 1.25 * gland.a_um, mpp_, planes.height);
  if (xs.first >= xs.end || ys.first >= ys.end) return;
  const float blur = 0.9f / gland.b_um;
  for (int y = ys.first; y < ys.end; ++y) {
    const auto dy = static_cast<float>((y + 0.5) * mpp_ - cy);
    for (int x = xs.first; x < xs.end; ++x) {
      const auto dx = static_cast<float>((x + 0.5) * mpp_ - cx);
      const float d = place(dx, dy);
      const float cover = smooth_step(1.05f + blur, 1.05f - blur, d);
      if (cover <= 0) continue;
      const float texture = blotches_.linear(dx * 1.3f + shift, dy * 1.3f);
      const float open = smooth_step(lumen + 1.5f * blur, lumen - 1.5f * blur, d);
      const float wall = smooth_step(1.0f - blur, 1.0f + blur, d);  // basement membrane
      float eosin = 0.30f + 0.18f * texture + 0.10f * smooth_step(lumen + 0.2f, lumen, d);
      float haematoxylin = 0.13f + 0.10f * texture;
      eosin += wall * (0.62f - eosin);
      haematoxylin += wall * (0.08f - haematoxylin);
      const float secretion = smooth_step(0.55f, 0.8f, texture);
      eosin += open * (0.02f + 0.10f * secretion - eosin);
      haematoxylin += open * (0.005f + 0.02f * secretion - haematoxylin);
      const size_t i =
          static_cast<size_t>(y) * static_cast<size_t>(planes.width) + static_cast<size_t>(x);
      planes.eosin[i] += cover * (eosin - planes.eosin[i]);
      planes.haematoxylin[i] += cover * (haematoxylin - planes.haematoxylin[i]);
    }
  }
  // A ring of nuclei near the base, each standing on the wall.
  const float mean = (gland.a_um + gland.b_um) / 2;
  const int count = static_cast<int>(kTwoPi * 0.84f * mean / 6.3f);
  for (int k = 0; k < count; ++k) {
    Dice dice(seed, 1, k);
    const float angle =
        kTwoPi * (static_cast<float>(k) + dice.between(-0.28f, 0.28f)) / float(count);
    const float ring = dice.between(0.80f, 0.90f);
    const float u = ring * gland.a_um * std::cos(angle), v = ring * gland.b_um * std::sin(angle);
    float dx = u * c - v * s, dy = u * s + v * c;
    const float correction = 1 - (place(dx, dy) - ring);  // follow the wavy wall
    dx *= correction;
    dy *= correction;
    Nucleus n;
    n.shape = {gland.x_um + dx, gland.y_um + dy, dice.between(3.2f, 4.3f), dice.between(2.1f, 2.7f),
               std::atan2(dy, dx) + dice.between(-0.25f, 0.25f)};
    n.haematoxylin = dice.between(0.85f, 1.15f);
    n.wobble = 0.2f;
    n.clearing = 0.35f;
    stamp(planes, n);
  }
}

void Painter::paint_tumour_nuclei(DyePlanes& planes) const {
  constexpr double kLattice = 9.6;
  for_lattice(planes, mpp_, kLattice, 12, [&](int64_t column, int64_t row) {
    Dice dice(layout_.seed + 60, column, row);
    Nucleus n;
    n.shape.x_um = (static_cast<double>(column) + dice.between(0.08f, 0.92f)) * kLattice;
    n.shape.y_um = (static_cast<double>(row) + dice.between(0.08f, 0.92f)) * kLattice;
    if (dice.next() > 0.94f) return;
    if (layout_.nest_depth_um(n.shape.x_um, n.shape.y_um) < 2) return;
    if (septum(n.shape.x_um, n.shape.y_um) > 0.4) return;
    const bool giant = dice.next() < 0.06f;
    n.shape.a_um = giant ? dice.between(6.8f, 9.0f) : dice.between(3.9f, 6.2f);
    n.shape.b_um = n.shape.a_um * dice.between(0.58f, 0.95f);
    n.shape.angle = dice.next() * kTwoPi;
    n.haematoxylin = dice.between(1.0f, 1.7f);
    n.eosin = 0.32f;
    n.wobble = dice.between(0.3f, 0.75f);
    n.clearing = dice.next() < 0.45f ? dice.between(0.4f, 0.8f) : 0.1f;
    n.nucleolus = dice.next() < 0.5f ? 0.7f : 0.0f;
    stamp(planes, n);
  });
}

}  // namespace lamella::phantom
