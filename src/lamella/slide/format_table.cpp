// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "lamella/slide/formats_internal.h"

namespace lamella::slide {

extern const Format kAperioFormat;  // format_aperio.cpp
extern const Format kTiffFormat;    // format_tiff.cpp

std::span<const Format* const> own_formats() {
  static constexpr std::array kFormats = {&kAperioFormat, &kTiffFormat};
  return kFormats;
}

}  // namespace lamella::slide
