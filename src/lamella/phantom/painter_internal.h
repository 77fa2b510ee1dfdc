// SPDX-License-Identifier: Apache-2.0
// Paints any tile of a synthetic slide. Immutable after construction; shareable by threads.
#pragma once

#include <cstdint>
#include <vector>

#include "lamella/base/geometry.h"
#include "lamella/base/image.h"
#include "lamella/phantom/layout_internal.h"
#include "lamella/phantom/noise_internal.h"

namespace lamella::phantom {

// The two dyes on one tile, in units of dye; kept by the caller from tile to tile.
struct DyePlanes {
  int width = 0;
  int height = 0;
  double left_um = 0;  // of the tile's top-left corner, on the slide
  double top_um = 0;
  std::vector<float> haematoxylin;
  std::vector<float> eosin;

  void reset(const RectPx& rect, double mpp);
};

struct Ellipse {
  double x_um = 0;
  double y_um = 0;
  float a_um = 1;  // half axes
  float b_um = 1;
  float angle = 0;  // of the a axis, radians
};

struct Nucleus {
  Ellipse shape;
  float haematoxylin = 1;
  float eosin = 0.25f;
  float wobble = 0.3f;  // how far the outline leaves the ellipse
  float clearing = 0;   // 0-1: pale inside, dark rim (vesicular)
  float nucleolus = 0;  // extra dye in a spot near the middle
};

class Painter {
 public:
  Painter(Layout layout, double mpp);

  const Layout& layout() const { return layout_; }
  // `rect` in level-0 px, its corner a multiple of 8; `out` has its size, RGB.
  void paint(const RectPx& rect, DyePlanes& planes, const MutableImageView& out) const;
  // Nothing but glass there: no tissue, and no ink.
  bool is_glass(const RectPx& rect) const;

 private:
  void paint_ground(const RectPx& rect, DyePlanes& planes) const;
  void paint_stroma_nuclei(DyePlanes& planes) const;
  void paint_lymphocytes(DyePlanes& planes) const;
  void paint_glands(DyePlanes& planes) const;
  void paint_gland(DyePlanes& planes, const Ellipse& gland, float lumen, uint64_t seed) const;
  void paint_tumour_nuclei(DyePlanes& planes) const;
  void stamp(DyePlanes& planes, const Nucleus& nucleus) const;
  void develop(const DyePlanes& planes, const MutableImageView& out) const;
  std::vector<size_t> pen_segments_near(const RectPx& rect) const;
  void draw_pen(const RectPx& rect, const MutableImageView& out) const;

  // Fields of position (µm), each a pure function.
  double septum(double x, double y) const;       // 0-1: stroma between lobules of a nest
  double across_um(double x, double y) const;    // fibres are its lines of equal value
  double fibre_angle(double x, double y) const;  // radians
  bool gland_at(int64_t column, int64_t row, Ellipse* gland, float* lumen) const;

  Layout layout_;
  double mpp_;
  float turn_cos_, turn_sin_;  // general direction of the fibres
  Texture fibres_, blotches_, grain_;
  std::vector<uint8_t> colours_;  // RGB by [haematoxylin][eosin], 256 x 256 steps
};

}  // namespace lamella::phantom
