// SPDX-License-Identifier: Apache-2.0
// By what, on what, and by whom a run is made.
#pragma once

#include <map>
#include <string>

#include "lamella/record/run_document.h"

namespace lamella::record {

// lamella's version and git commit, versions of the libraries given and of those built with,
// processor features, operating system.
Software describe_software(const std::map<std::string, std::string>& libraries);

// Who runs this, and where.
Caller describe_caller();

}  // namespace lamella::record
