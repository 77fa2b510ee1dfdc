// SPDX-License-Identifier: Apache-2.0
// An int8 network was judged on the slides that it was quantized with; on other tissue it may be
// far from the network it was made of.
#pragma once

#include <memory>
#include <string>

#include "lamella/base/context.h"
#include "lamella/encoder/encoder.h"

namespace lamella::verbs {

inline constexpr int64_t kComparedPatches = 64;  // of a slide, unless it is said

// Over rows: the mean of the cosines of a's and b's. Both n x d, n at least 1.
double mean_cosine(const feature::FeatureMatrix& a, const feature::FeatureMatrix& b);

// Encodes up to `patches` of the plan, evenly chosen, by an int8 encoder and by its reference().
// Returns what is to be warned about: a mean cosine below the gate that the encoder was quantized
// with; "" if there is nothing, the encoder is not int8, `patches` is 0 or the plan is empty. What
// was found otherwise is a notice; that there is no reference, a warning.
// Errors: those of encoder::stream_features; patches that cannot be read are left out.
std::string compare_int8(const std::shared_ptr<const slide::Slide>& slide,
                         const patch::PatchPlan& plan, encoder::Encoder& encoder, int64_t patches,
                         const Context& context);

}  // namespace lamella::verbs
