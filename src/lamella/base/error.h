// SPDX-License-Identifier: Apache-2.0
// The one exception of lamella. Immutable after construction.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lamella {

enum class ErrorCode {
  kInvalidArgument,  // the caller asked for something that makes no sense
  kNotFound,         // a file, slide, level, group or encoder that is not there
  kFormat,           // a text or table that does not parse (file, line, column in the message)
  kCorrupt,          // a binary file whose contents are damaged
  kUnsupported,      // a valid file that uses something lamella cannot read
  kIo,               // the operating system refused: permission, disk full, read error
  kMismatch,         // two things that must agree do not: feature_space, mpp, hashes, roles
  kLimit,            // a size beyond what is allowed (hostile header, byte budget)
  kInterrupted,      // Ctrl-C
  kInternal,         // a bug of ours
};

// "kNotFound" -> "not found" and so on, for records.
std::string_view to_string(ErrorCode code);

// what() is "<path>: <message>", or the message alone without a path. A message says what was
// found, what was expected and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, const std::string& path = {},
        std::source_location where = std::source_location::current());

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& path() const noexcept { return path_; }
  // Source file and line that threw, for bug reports: "slide/tiff_slide.cpp:120".
  const std::string& where() const noexcept { return where_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string path_;
  std::string where_;
};

}  // namespace lamella
