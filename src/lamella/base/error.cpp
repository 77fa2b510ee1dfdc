// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/error.h"

#include <fmt/format.h>

#include "lamella/base/credentials.h"

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

}  // namespace

Error::Error(ErrorCode code, const std::string& message, const std::string& path,
             std::source_location where)
    : std::runtime_error(without_credentials(path.empty() ? message : path + ": " + message)),
      code_(code),
      message_(without_credentials(message)),
      path_(without_credentials(path)),
      where_(short_location(where)) {}

}  // namespace lamella
