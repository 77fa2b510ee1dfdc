// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace lamella {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kFormat:
      return "format";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kMismatch:
      return "mismatch";
    case ErrorCode::kLimit:
      return "limit";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

namespace {

std::string short_location(const std::source_location& where) {
  std::string_view file = where.file_name();
  const size_t at = file.rfind("lamella/");
  if (at != std::string_view::npos) file.remove_prefix(at + 8);
  return fmt::format("{}:{}", file, where.line());
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Error::Error(ErrorCode code, const std::string& message, const std::string& path,
             std::source_location where)
    : std::runtime_error(path.empty() ? message : path + ": " + message),
      code_(code),
      message_(message),
      path_(path),
      where_(short_location(where)) {}

std::string Error::field() const {
  std::string first;
  spell_options(message_, [&](const std::string& name) {
    if (first.empty()) first = name;
    return name;
  });
  return first;
}

std::string spell_options(const std::string& text,
                          const std::function<std::string(const std::string& name)>& spelling) {
  std::string spelled;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find('`', at);
    const size_t close = open == std::string::npos ? open : text.find('`', open + 1);
    if (close == std::string::npos) break;
    const std::string name = text.substr(open + 1, close - open - 1);
    if (is_name(name)) {
      spelled += text.substr(at, open - at) + spelling(name);
      at = close + 1;
    } else {  // the second may open a name
      spelled += text.substr(at, close - at);
      at = close;
    }
  }
  return spelled + text.substr(std::min(at, text.size()));
}

}  // namespace lamella
