// SPDX-License-Identifier: Apache-2.0
// Which commit of the user's own repository a run was made from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::record {

// Of the first of the folders that lies in a git repository with a commit; nullopt: none does, or
// the program git is not installed.
std::optional<SourceCode> find_source_code(const std::vector<std::string>& folders);

}  // namespace lamella::record
