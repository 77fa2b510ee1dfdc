// SPDX-License-Identifier: Apache-2.0
// What lies under the nuclei: glass, fibrous stroma, the cytoplasm of tumour nests.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "lamella/phantom/painter_internal.h"

namespace lamella::phantom {

namespace {

// Slow fields are evaluated once per block of 8 x 8 px and interpolated between.
constexpr int kBlockPx = 8;

// Eight, of which six are used, so that they are mixed by whole vectors.
enum Field { kTissue, kNest, kSeptum, kAlong, kAcross, kDensity, kFields = 8 };
using Fields = std::array<float, kFields>;
using FieldRow = std::vector<Fields>;

Fields mix(const Fields& a, const Fields& b, float t) {
  Fields out;
  for (size_t i = 0; i < kFields; ++i) out[i] = a[i] + t * (b[i] - a[i]);
  return out;
}

struct Dyes {
  float haematoxylin = 0;
  float eosin = 0;
};

struct Textures {
  const Texture& fibres;
  const Texture& blotches;
  const Texture& grain;
};

Dyes ground_dyes(const Fields& f, float x, float y, const Textures& textures) {
  const float fine = textures.fibres.linear(f[kAlong] * 0.34f, f[kAcross] * 2.3f);
  const float coarse = textures.fibres.linear(f[kAlong] * 0.11f + 99, f[kAcross] * 0.6f);
  const float depth = f[kTissue] + 22 * (fine - 0.5f) + 26 * (coarse - 0.5f);
  const float covered = std::clamp(depth * 0.35f + 0.5f, 0.0f, 1.0f);
  if (covered <= 0) return {};

  // Loose stroma parts into pale clefts along the fibres; dense stroma is evenly pink.
  const float dense = smooth_step(0.32f, 0.62f, f[kDensity]);
  const float bundle = smooth_step(0.25f, 0.60f, 0.55f * fine + 0.45f * coarse);
  const float crack = smooth_step(0.33f, 0.24f, fine) * (1 - 0.75f * dense);
  const float solid = (bundle + (1 - bundle) * (0.20f + 0.55f * dense)) * (1 - 0.8f * crack);
  Dyes dyes;
  dyes.eosin = solid * (0.24f + 0.34f * coarse + 0.40f * fine * (0.6f + 0.4f * dense));
  dyes.haematoxylin = solid * (0.035f + 0.05f * fine);

  if (f[kNest] > -4) {
    const float inside =
        smooth_step(-2.5f, 2.5f, f[kNest] - 1 + 8 * (fine - 0.5f)) * (1 - f[kSeptum]);
    const float blotch = textures.blotches.linear(x * 0.9f, y * 0.9f);
    dyes.eosin += inside * (0.34f + 0.24f * blotch - dyes.eosin);
    dyes.haematoxylin += inside * (0.17f + 0.20f * blotch - dyes.haematoxylin);
  }
  const float speck = 0.86f + 0.28f * textures.grain.nearest(x * 2, y * 2);
  dyes.eosin *= covered * speck;
  dyes.haematoxylin *= covered * speck;
  return dyes;
}

}  // namespace

double Painter::septum(double x, double y) const {
  // Septa run where a winding noise crosses its middle.
  const uint64_t seed = layout_.seed + 20;
  const double wx = x + 30 * value_noise(seed, x / 40, y / 40);
  const double wy = y + 30 * value_noise(seed + 1, x / 40, y / 40);
  const double ridge = std::abs(value_noise(seed + 2, wx / 72, wy / 72) - 0.5);
  return smooth_step(0.062f, 0.025f, static_cast<float>(ridge));
}

double Painter::across_um(double x, double y) const {
  return y * turn_cos_ - x * turn_sin_ + 150 * value_noise(layout_.seed + 31, x / 260, y / 260) +
         30 * value_noise(layout_.seed + 32, x / 75, y / 75);
}

double Painter::fibre_angle(double x, double y) const {
  const double dx = across_um(x + 2, y) - across_um(x - 2, y);
  const double dy = across_um(x, y + 2) - across_um(x, y - 2);
  return std::atan2(dx, -dy);
}

void Painter::paint_ground(const RectPx& rect, DyePlanes& planes) const {
  const auto fields_at = [&](int64_t block_x, int64_t block_y) {
    const double x = static_cast<double>(block_x * kBlockPx) * mpp_;
    const double y = static_cast<double>(block_y * kBlockPx) * mpp_;
    Fields f{};
    f[kTissue] = static_cast<float>(layout_.tissue_depth_um(x, y));
    f[kNest] = static_cast<float>(layout_.nest_depth_um(x, y));
    f[kSeptum] = static_cast<float>(septum(x, y));
    f[kAcross] = static_cast<float>(across_um(x, y));
    f[kAlong] = static_cast<float>(x * turn_cos_ + y * turn_sin_ +
                                   60 * value_noise(layout_.seed + 33, x / 200, y / 200));
    f[kDensity] = fractal_noise(layout_.seed + 34, x / 240, y / 240);
    return f;
  };
  const int64_t first_x = rect.x / kBlockPx, first_y = rect.y / kBlockPx;
  const size_t columns = static_cast<size_t>((rect.width + kBlockPx - 1) / kBlockPx);
  FieldRow top(columns + 1), bottom(columns + 1), here(columns + 1);
  const auto fill_row = [&](int64_t block_y, FieldRow& row) {
    for (size_t i = 0; i <= columns; ++i)
      row[i] = fields_at(first_x + static_cast<int64_t>(i), block_y);
  };
  const Textures textures = {fibres_, blotches_, grain_};
  fill_row(first_y, bottom);
  for (int y = 0; y < planes.height; ++y) {
    if (y % kBlockPx == 0) {
      std::swap(top, bottom);
      fill_row(first_y + y / kBlockPx + 1, bottom);
    }
    const float t = static_cast<float>(y % kBlockPx) / kBlockPx;
    for (size_t i = 0; i <= columns; ++i) here[i] = mix(top[i], bottom[i], t);
    const auto y_um = static_cast<float>(planes.top_um + y * mpp_);
    for (size_t block = 0; block < columns; ++block) {
      // Ragged edges reach 24 µm out at most.
      if (here[block][kTissue] < -30 && here[block + 1][kTissue] < -30) continue;
      const int first = static_cast<int>(block) * kBlockPx;
      const int end = std::min(first + kBlockPx, planes.width);
      for (int x = first; x < end; ++x) {
        const Fields f =
            mix(here[block], here[block + 1], static_cast<float>(x - first) * (1.0f / kBlockPx));
        const auto x_um = static_cast<float>(planes.left_um + x * mpp_);
        const Dyes dyes = ground_dyes(f, x_um, y_um, textures);
        const size_t i =
            static_cast<size_t>(y) * static_cast<size_t>(planes.width) + static_cast<size_t>(x);
        planes.haematoxylin[i] = dyes.haematoxylin;
        planes.eosin[i] = dyes.eosin;
      }
    }
  }
}

}  // namespace lamella::phantom
