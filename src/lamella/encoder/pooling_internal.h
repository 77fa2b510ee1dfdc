// SPDX-License-Identifier: Apache-2.0
// From what a network gives to one vector a picture, inside the network.
#pragma once

#include <openvino/core/node_output.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

// The output's vectors, [batch, d]; the network's shapes must be static by now.
// Error kUnsupported (shape found, shape the pooling expects, which would fit).
ov::Output<ov::Node> pooled(const ov::Output<ov::Node>& output, const OutputInfo& info,
                            int prefix_tokens, bool channels_last, int64_t batch);

}  // namespace lamella::encoder
