// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lamella/slide/slide_info.h"

namespace lamella::slide {

// Name and hash of an ICC profile; nullopt if there are no bytes.
std::optional<ColourProfile> describe_icc(std::span<const uint8_t> profile);

}  // namespace lamella::slide
