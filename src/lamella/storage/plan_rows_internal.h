// SPDX-License-Identifier: Apache-2.0
// A plan's rows inside an HDF5 file, as plans and features have them. Both with Hdf5Lock held.
#pragma once

#include <string>

#include "lamella/patch/patch_plan.h"
#include "lamella/storage/hdf5_internal.h"

namespace lamella::storage {

void write_rows(Hdf5File& file, const patch::PatchPlan& plan, const std::string& key);
patch::PatchPlan read_rows(const Hdf5File& file, const std::string& path);

}  // namespace lamella::storage
