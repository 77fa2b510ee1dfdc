// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/slide/slide_info.h"

namespace lamella::slide {

// A sentence where slides of one cohort carry different colour profiles, or some none; by name, how
// many slides of each. nullopt where all are alike.
std::optional<std::string> unlike_profiles(const std::vector<std::optional<ColourProfile>>& slides);

}  // namespace lamella::slide
