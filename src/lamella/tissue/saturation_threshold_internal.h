// SPDX-License-Identifier: Apache-2.0
// The saturation that parts tissue from glass.
#pragma once

#include <array>
#include <cstdint>

namespace lamella::tissue {

using Histogram = std::array<int64_t, 256>;  // pixels of each saturation, 0-255

// The lowest value t that parts the histogram into [0, t] and the rest with the greatest variance
// between the two (Otsu, IEEE Trans. SMC 9, 1979); 0 if it has fewer than two values.
int otsu(const Histogram& histogram);

// Otsu's value, looked for again below the first one if that cut off pale tissue; min_saturation
// (0-1) at least, and it alone if even the paler class is coloured like tissue. In 0-255.
double find_threshold(const Histogram& saturations, double min_saturation);

}  // namespace lamella::tissue
