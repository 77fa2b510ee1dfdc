// SPDX-License-Identifier: Apache-2.0
// ONNX networks whose weights lie in other files beside them ("external data").
#pragma once

#include <string>

namespace lamella::encoder {

// The network with all of its weights in it: `bytes` itself, or, where tensors refer to other files
// in the network's folder, with their contents in their place.
// Error kCorrupt: `bytes` is no ONNX, or a tensor refers to what its file does not hold; kNotFound:
// such a file is absent; kUnsupported: one that is not in the folder; kLimit: the whole would not
// fit into one ONNX file (2 GiB).
std::string with_all_weights(std::string bytes, const std::string& path);

// Error kUnsupported if the weights lie in another file: its hash is not the encoder's.
void require_all_weights(const std::string& bytes, const std::string& path);

}  // namespace lamella::encoder
