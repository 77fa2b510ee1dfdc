// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"

namespace lamella {

std::string without_credentials(std::string text) {
  constexpr std::string_view kMark = "://";
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at)) {
    at += kMark.size();
    const size_t end = text.find_first_of("/?# \t\r\n\"'\\", at);
    const size_t stop = end == std::string::npos ? text.size() : end;
    // The last "@": a password may hold one.
    const size_t sign = std::string_view(text).substr(0, stop).rfind('@');
    if (sign != std::string_view::npos && sign >= at) text.erase(at, sign - at + 1);
  }
  return text;
}

}  // namespace lamella
