// SPDX-License-Identifier: Apache-2.0
// JSON that comes from outside.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

template <typename T>
nlohmann::json json_or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

// The whole number that `value` is. Throws nlohmann::json::exception where it is none, or T cannot
// hold it: get<T>() makes another number of those.
template <std::integral T>
T json_whole(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  } else if (value.is_number_integer()) {
    const auto number = value.get<int64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  }
  throw nlohmann::json::out_of_range::create(
      406, "found " + json_excerpt(value) + ", expected a whole number that fits", nullptr);
}

}  // namespace lamella
