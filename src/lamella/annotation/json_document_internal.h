// SPDX-License-Identifier: Apache-2.0
// What readers of annotations in JSON share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lamella::annotation {

// Error kFormat: "<where>: found <found>, expected <expected>".
[[noreturn]] void fail_at(const std::string& path, const std::string& where,
                          const std::string& found, const std::string& expected);
// Error kFormat if it is no JSON; `what` is what was expected.
nlohmann::json parse_document(std::string_view text, const std::string& path, const char* what);
// Level-0 px. Error kFormat unless it is a number between -1e9 and 1e9.
double json_coordinate(const nlohmann::json& value, const std::string& path,
                       const std::string& where);

}  // namespace lamella::annotation
