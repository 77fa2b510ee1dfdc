// SPDX-License-Identifier: Apache-2.0
// What every format's points are held to.
#pragma once

#include <cmath>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::annotation {

// Level-0 px; false for what is not a number.
inline bool is_coordinate(double px) { return std::abs(px) <= 1e9; }

// Drops a closing point equal to the first.
inline void open_ring(std::vector<PointF>& ring) {
  if (ring.size() > 1 && ring.front() == ring.back()) ring.pop_back();
}

}  // namespace lamella::annotation
