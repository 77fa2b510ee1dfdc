// SPDX-License-Identifier: Apache-2.0
// AWS's profile files: INI, where lines of a section that are indented belong to the key before.
#pragma once

#include <map>
#include <string>

namespace lamella::io {

using ProfileValues = std::map<std::string, std::string>;

// Sections by name ("default"; "profile x" of a config file as "x"), keys in lower case. What is
// nested ("s3 =" and indented lines) stands among its section's keys. Empty if there is no such
// file; lines that are neither are left out, as the cloud's own tools do.
std::map<std::string, ProfileValues> read_profile_file(const std::string& path);

}  // namespace lamella::io
