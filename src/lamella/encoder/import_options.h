// SPDX-License-Identifier: Apache-2.0
// What may be said of a network when it is made an encoder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/encoder/encoder.h"

namespace lamella::encoder {

struct ImportOptions {
  std::string name;  // "": that of the folder
  std::vector<double> mean = {0, 0, 0}, std = {1, 1, 1};
  std::string colour_order = "rgb";
  std::optional<int> input_px;
  std::vector<std::string> outputs;  // NAME or NAME:POOLING; a name may itself hold colons
  int prefix_tokens = 1;
  std::vector<double> views = {1};
  std::optional<double> recommended_mpp;
  std::string source = "imported";
  std::string licence = "not stated";
  static const OptionTable<ImportOptions>& table();
  // For import_encoder.
  EncoderInfo wanted() const;
};

}  // namespace lamella::encoder
