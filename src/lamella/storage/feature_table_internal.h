// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>

#include "lamella/storage/hdf5_internal.h"
#include "lamella/storage/storage.h"

namespace lamella::storage {

struct FeatureTable {
  int64_t columns = 0;
  std::string feature_space, precision;
  FeatureType type = FeatureType::kFloat32;
};

// Fills `out` with the rows from `first`, as many as it has room for.
using FillRows = std::function<void(int64_t first, std::span<float> out)>;

// Makes the dataset of a file, a chunk in memory at a time. Error as write_feature_table's; `path`
// is what they name.
void write_feature_rows(Hdf5File& file, const std::string& dataset, int64_t rows,
                        const FeatureTable& table, bool compressed, const FillRows& fill,
                        const std::string& path);

// One feature file, held a chunk at a time. Error kLimit: a number that float16 cannot hold; kIo.
void write_feature_table(const patch::PatchPlan& plan, const FeatureTable& table,
                         const std::string& key, const std::string& path, const FillRows& fill);

}  // namespace lamella::storage
