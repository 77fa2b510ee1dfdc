// SPDX-License-Identifier: Apache-2.0
// Patches whose pixels cannot be had.
#pragma once

#include <string>
#include <vector>

#include "lamella/patch/patch_plan.h"
#include "lamella/slide/region_reader.h"

namespace lamella::patch {

// "2 of 40 patches are left out, as their pixels cannot be read: rows 3 and 7: <file, tile,
// cause>". Failures of one cause are named together. RegionFailure::region is the plan's row.
std::string left_out_text(const PatchPlan& plan, const std::vector<slide::RegionFailure>& failures);

// The plan without the rows of the failures: they go to left_out, and left_out_text to the
// warnings. Nothing happens without failures.
PatchPlan without_left_out(PatchPlan plan, const std::vector<slide::RegionFailure>& failures);

// Error kCorrupt, which tells why, if there were rows and all of them were left out.
void require_rows_left(const PatchPlan& plan);

}  // namespace lamella::patch
