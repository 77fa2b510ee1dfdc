// SPDX-License-Identifier: Apache-2.0
// Where things lie on one synthetic slide, in µm from its top-left. Small, whatever the slide's
// size; everything finer is a function of position.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::phantom {

// A lobed blob: an outline that every ray from the centre meets once.
class Blob {
 public:
  // `lobes`: relative depth of the outline's waves, 0 for an ellipse.
  Blob(uint64_t seed, PointF centre_um, double radius_x_um, double radius_y_um, double lobes);

  // Roughly the distance to the outline in µm, positive inside.
  double depth_um(double x, double y) const;
  std::vector<PointF> outline_um(int points) const;
  double area_um2() const;
  const PointF& centre() const { return centre_; }
  double reach_um() const { return reach_; }  // no outline point is farther from the centre

 private:
  static constexpr int kAngles = 256;
  double ratio(double angle) const;

  PointF centre_;
  double radius_x_, radius_y_, reach_;
  std::array<float, kAngles> ratio_;  // of the outline to the ellipse, by angle
};

// How a patient's sections take the two dyes; optical density per unit of dye, per channel.
struct Stain {
  std::array<float, 3> haematoxylin;
  std::array<float, 3> eosin;
  std::array<float, 3> glass;  // RGB of the empty slide, 0-255
};

struct PenMark {
  std::vector<PointF> points_um;
  double half_width_um = 0;
  std::array<float, 3> transmittance;  // of the ink, per channel, 0-1
};

struct Layout {
  uint64_t seed = 0;
  double width_um = 0;
  double height_um = 0;
  Stain stain;
  std::vector<Blob> pieces;  // of tissue
  std::vector<Blob> nests;   // of tumour, all inside the tissue, apart from one another
  PenMark pen;
  double tissue_um2 = 0;  // area of the pieces, sampled
  double side_um = 0;     // by which tissue is measured: the slide's shorter side, scaled

  // Depth below the tissue's edge / the nearest nest's outline in µm, negative outside.
  double tissue_depth_um(double x, double y) const;
  double nest_depth_um(double x, double y) const;
};

Layout make_layout(uint64_t slide_seed, uint64_t patient_seed, SizePx size_px, double mpp,
                   double tissue_scale = 1);

}  // namespace lamella::phantom
