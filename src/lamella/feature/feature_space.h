// SPDX-License-Identifier: Apache-2.0
// What a feature space's name tells of the lamella that wrote it.
#pragma once

#include <string>
#include <string_view>

namespace lamella::feature {

// Stands in the name of every feature space in which patches are resampled to size_px at their
// scale before they take the encoder's size ("scale before size", docs/scale.md).
inline constexpr std::string_view kScaleBeforeSize = "scaled-first";

// A name that lamella gave before that: patches of a fine slide were sharper than those of a coarse
// one at the same mpp. False for names of a caller's own making.
bool is_before_scale_first(const std::string& feature_space);

// A sentence to end an error with where two spaces differ: empty, or, if one of them is of the
// earlier kind, why it cannot be used and what to do.
std::string earlier_space_advice(const std::string& a, const std::string& b);

}  // namespace lamella::feature
