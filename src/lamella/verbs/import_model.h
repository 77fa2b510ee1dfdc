// SPDX-License-Identifier: Apache-2.0
// A model of an encoder and the weights of a last layer that was trained elsewhere.
#pragma once

#include <string>

#include "lamella/model/model.h"

namespace lamella::verbs {

// `folder` holds encoder/ and head.json: {"classes", "weights" (a list for each vector), "biases",
// "size_px", "mpp", "name"}; of two classes one vector, as classifier::LinearModel has it. Features
// are not standardised. Errors: kCorrupt (which key, sizes that do not go together), those of
// encoder::read_encoder_info.
model::Model import_model(const std::string& folder);

}  // namespace lamella::verbs
