// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/annotation/coordinates_internal.h"
#include "lamella/annotation/json_document_internal.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"

namespace lamella::annotation {

void fail_at(const std::string& path, const std::string& where, const std::string& found,
             const std::string& expected) {
  throw Error(ErrorCode::kFormat, fmt::format("{}: found {}, expected {}", where, found, expected),
              path);
}

nlohmann::json parse_document(std::string_view text, const std::string& path, const char* what) {
  try {
    return parse_json(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kFormat,
                fmt::format("found no well-formed JSON, expected {} ({})", what, error.what()),
                path);
  }
}

double json_coordinate(const nlohmann::json& value, const std::string& path,
                       const std::string& where) {
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!is_coordinate(number)) {
    fail_at(path, where, json_excerpt(value), "a number between -1e9 and 1e9 (level-0 px)");
  }
  return number;
}

}  // namespace lamella::annotation
