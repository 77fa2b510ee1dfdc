// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "lamella/storage/storage.h"

namespace lamella::storage {

struct FeatureTable {
  int64_t columns = 0;
  std::string feature_space, precision;
  FeatureType type = FeatureType::kFloat32;
};

// Fills `out` with the rows from `first`, as many as it has room for.
using FillRows = std::function<void(int64_t first, std::span<float> out)>;

// Error kLimit for a value that float16 cannot hold; it names row and column.
void require_half(std::span<const float> values, int64_t first, int64_t columns,
                  const std::string& path);

// One feature file, held a chunk at a time. Error kLimit: a number that float16 cannot hold; kIo.
void write_feature_table(const patch::PatchPlan& plan, const FeatureTable& table,
                         const std::string& key, const std::string& path, const FillRows& fill);

}  // namespace lamella::storage
