// SPDX-License-Identifier: Apache-2.0
// Curves of ASAP as straight lines.
#pragma once

#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::annotation {

// Points on the closed centripetal Catmull-Rom curve through the control points (E. Catmull,
// R. Rom, 1974; P. J. Barry, R. N. Goldman, 1988), which is what ASAP draws for a spline: 16 lines
// from one control point to the next, each of which is kept. Fewer than three different points are
// given back as they are.
std::vector<PointF> flatten_spline(std::vector<PointF> control_points);

}  // namespace lamella::annotation
