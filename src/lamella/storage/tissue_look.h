// SPDX-License-Identifier: Apache-2.0
// What a slide looked like when its mask was made, beside the mask, so that cohorts are compared
// also where masks are found finished.
#pragma once

#include <optional>
#include <string>

#include "lamella/tissue/tissue.h"

namespace lamella::storage {

// JSON. Write it before the mask's key. Error kIo.
void write_look(const tissue::CohortSlide& slide, const std::string& path);
// Nothing if there is none that can be read: it is made again with the mask.
std::optional<tissue::CohortSlide> read_look(const std::string& path);

}  // namespace lamella::storage
