// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lamella/base/option.h"
#include "lamella/slide/slide.h"

namespace lamella::slide {

// What may be asked of opening a slide.
const OptionTable<OpenOptions>& open_table();

}  // namespace lamella::slide
