// SPDX-License-Identifier: Apache-2.0
#include "lamella/feature/feature_space.h"

#include <fmt/format.h>

#include <cctype>

namespace lamella::feature {

// "<name>/<sha256>/rgb-224px-mean…/50px@4.0000mpp" was the form; now "…-224px-scaled-first-mean…".
bool is_before_scale_first(const std::string& feature_space) {
  const size_t size = feature_space.find("px-mean");
  return size != std::string::npos && size > 0 &&
         std::isdigit(static_cast<unsigned char>(feature_space[size - 1])) != 0 &&
         feature_space.find("/") < size &&
         feature_space.find(kScaleBeforeSize) == std::string::npos;
}

std::string earlier_space_advice(const std::string& a, const std::string& b) {
  for (const std::string& space : {a, b}) {
    if (!is_before_scale_first(space)) continue;
    return fmt::format(
        "; '{}' is of an earlier lamella, which resampled patches straight to the encoder's input, "
        "so that fine slides were sharper than coarse ones at the same mpp: encode and train again",
        space);
  }
  return {};
}

}  // namespace lamella::feature
