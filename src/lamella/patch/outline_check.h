// SPDX-License-Identifier: Apache-2.0
// Whether outlines are this slide's: on it, and on its tissue.
#pragma once

#include <string>
#include <vector>

#include "lamella/annotation/annotation.h"
#include "lamella/annotation/outline_bounds.h"
#include "lamella/slide/slide_info.h"
#include "lamella/tissue/tissue.h"

namespace lamella::patch {

annotation::SlideFrame frame_of(const slide::SlideInfo& info);

// The warnings of annotation::check_bounds, and one where the outlines' boxes hold hardly any
// tissue (less than a tenth of their area), with the frame in which they would, if there is one. A
// mask that is one pixel (no mask was wanted) says nothing. Error kMismatch as check_bounds.
std::vector<std::string> check_outlines(const annotation::AnnotationSet& set,
                                        const slide::SlideInfo& info,
                                        const tissue::TissueMask& mask);

}  // namespace lamella::patch
