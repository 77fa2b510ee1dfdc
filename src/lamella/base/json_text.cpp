// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/json_text.h"

#include <fmt/format.h>

namespace lamella {

namespace {

using nlohmann::json;

// Brackets outside of texts; text that is no JSON may count as deep, and is refused either way.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

json parse_json(std::string_view text) {
  if (too_deep(text)) {
    throw json::other_error::create(599, fmt::format("nested deeper than {} levels", kMaxJsonDepth),
                                    nullptr);
  }
  return json::parse(text);
}

json parse_json_or_discard(std::string_view text) {
  if (too_deep(text)) return json(json::value_t::discarded);
  return json::parse(text, nullptr, false);
}

std::string json_excerpt(const json& value, size_t max_bytes) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes) + "...";
}

}  // namespace lamella
