// SPDX-License-Identifier: Apache-2.0
// The two files of an encoder's folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

inline constexpr int64_t kMaxNetworkBytes = int64_t{2} << 30;  // of one ONNX file

std::string description_path(const std::string& folder);  // encoder.json
std::string network_path(const std::string& folder);      // network.onnx

// encoder.json alone; the network is not looked at. Error kNotFound, kFormat.
EncoderInfo read_description(const std::string& folder);

// Error kMismatch, naming the network's path, if `found` is not the info's.
void check_network_hash(const std::string& found, const EncoderInfo& info);

// What is wrong with a mean and a std by which the network would get absurd values: most often they
// are meant for pixels of 0-1. nullopt: nothing.
std::optional<std::string> odd_normalisation(const EncoderInfo& info);

}  // namespace lamella::encoder
