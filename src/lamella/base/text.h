// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamella {

std::string to_lower(std::string_view text);  // ASCII
std::string_view trim(std::string_view text);
// Whole text as a number ("." is the decimal point whatever the locale); nullopt otherwise.
std::optional<double> parse_double(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text);
// Shortest decimal text that reads back as the same value.
std::string format_double(double value);
std::string format_float(float value);
// The candidate with the least edit distance to `word`, if close enough to be a slip of the pen.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);
// " (did you mean 'x'?)" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace lamella
