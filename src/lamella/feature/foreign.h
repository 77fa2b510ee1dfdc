// SPDX-License-Identifier: Apache-2.0
// Features that another program made.
#pragma once

#include <string>
#include <string_view>

namespace lamella::feature {

// Begins the feature space of features whose network lamella does not have: "foreign: uni/256px@…".
// They train and score by feature files alone.
inline constexpr std::string_view kForeign = "foreign: ";

inline bool is_foreign(std::string_view feature_space) {
  return feature_space.starts_with(kForeign);
}

}  // namespace lamella::feature
