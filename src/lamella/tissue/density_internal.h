// SPDX-License-Identifier: Apache-2.0
// How dense each pixel is against the glass, and of which hue.
#pragma once

#include <array>
#include <cstdint>

#include "lamella/base/image.h"
#include "lamella/tissue/glass_internal.h"

namespace lamella::tissue {

// Steps of optical density in a byte; 255 is 0.6375 and all that is denser.
constexpr int kStepsPerDensity = 400;

struct DensityCounts {
  std::array<int64_t, 256> steps{};   // of pixels denser than 0.03 that are no ink
  int64_t dense = 0;                  // denser than 0.045, no ink
  int64_t coloured = 0;               // of these
  std::array<int64_t, 3> absorbed{};  // by these, thousandths of density by channel
  int64_t ink = 0, black_ink = 0, blackest_ink = 0;
  int64_t dark = 0;
  void add(const DensityCounts& other);
  // Of a stained slide, not a grey one: a tenth of what is dense absorbs colours unequally.
  bool is_coloured() const { return 10 * coloured > dense; }
  // The step that 90 % of the dense pixels do not exceed; 0 without any.
  int strong_step() const;
};

struct DensityInput {
  ImageView picture;  // smoothed
  const DensityTable& table;
  const UnevenGlass* uneven;  // null: even
};

// Of the rows [first, last): the density of the channel that absorbs most, in steps, to `steps`,
// which are 0 before;
// adds kColoured to kBlackInk and kBlackestInk to `flags`.
//
// Hues by density r, g, b of the channels (thousandths). Eosin absorbs green, with up to 0.9 of it
// in blue but 0.2 in red for blood; red ink absorbs next to no red. Hematoxylin absorbs red and
// green alike; blue ink absorbs red more, and blue less. Nothing that is stained lets through
// green alone. Black ink is neutral and far denser than tissue at this scale.
DensityCounts measure_density(const DensityInput& input, int first, int last,
                              const MutableImageView& flags, const MutableImageView& steps);

}  // namespace lamella::tissue
