// SPDX-License-Identifier: Apache-2.0
// Names of files and folders that are not whole yet, and finding those that a killed process left.
#pragma once

#include <string>

namespace lamella::io {

// "<path>.<host>-<pid>-<start>-<n>.tmp": of this process alone, and no two the same.
std::string temporary_name(const std::string& path);

// Removes from the folder (with those in it, if `recursive`) what bears such a name and whose
// process is gone. What another machine's process made is left alone for a day: whether that
// process lives cannot be seen from here. Nothing is an error: what cannot be removed stays.
void remove_left_temporaries(const std::string& folder, bool recursive);

}  // namespace lamella::io
