// SPDX-License-Identifier: Apache-2.0
// JSON that comes from outside.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lamella {

// What is nested deeper was made to end the program: comparing, printing and freeing values call
// themselves for every level.
inline constexpr int kMaxJsonDepth = 64;

// Throws nlohmann::json::exception where the text is no JSON, or is nested deeper than that.
nlohmann::json parse_json(std::string_view text);
// The same, with a discarded value in place of an exception.
nlohmann::json parse_json_or_discard(std::string_view text);

// What a message shows of a value that was found: its text, cut after `max_bytes`.
std::string json_excerpt(const nlohmann::json& value, size_t max_bytes = 60);

}  // namespace lamella
