// SPDX-License-Identifier: Apache-2.0
// Keys of the pieces that a run keeps on disk, and why one of them is not what is wanted.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lamella::storage {

// All that a piece depends on, as JSON of one line; lamella's version is part of it. Large or
// secret things are in it as their hashes. A key may be part of another one: give it as it is
// parsed.
std::string piece_key(const nlohmann::json& inputs);

// In which parts the key that was found is another than the wanted one, in users' words: "the
// annotations", "patches.size_px 112 -> 224". Empty if they are equal. A key that says nothing of
// its parts is an earlier lamella's.
std::vector<std::string> changes(const std::string& found, const std::string& wanted);

}  // namespace lamella::storage
