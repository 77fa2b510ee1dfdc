// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/credentials.h"

#include <algorithm>
#include <array>

#include "lamella/base/text.h"

namespace lamella {

namespace {

constexpr std::string_view kEnds = " \t\r\n\"'\\<>";

std::string scheme_before(const std::string& text, size_t mark) {
  size_t start = mark;
  while (start > 0 && (std::isalnum(static_cast<unsigned char>(text[start - 1])) != 0)) --start;
  return to_lower(std::string_view(text).substr(start, mark - start));
}

bool is_harmless(std::string_view name) {
  constexpr std::array<std::string_view, 3> kHarmless = {"versionid", "generation", "snapshot"};
  return std::ranges::find(kHarmless, to_lower(name)) != kHarmless.end();
}

// "a=1&sig=2" as "a=…&sig=…".
std::string without_values(std::string_view query) {
  std::string text;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    const size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    if (!text.empty()) text += '&';
    if (is_harmless(name)) {
      text += pair;
    } else if (equals == std::string_view::npos) {
      text += "…";
    } else {
      text += std::string(name) + "=…";
    }
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return text;
}

}  // namespace

std::string without_credentials(std::string text) {
  constexpr std::string_view kMark = "://";
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at)) {
    const std::string scheme = scheme_before(text, at);
    at += kMark.size();
    const auto end_of = [&](std::string_view ends, size_t from) {
      const size_t end = text.find_first_of(ends, from);
      return end == std::string::npos ? text.size() : end;
    };
    const size_t stop = end_of("/?# \t\r\n\"'\\", at);
    // The last "@": a password may hold one.
    const size_t sign = std::string_view(text).substr(0, stop).rfind('@');
    // What stands there of Azure's addresses is the container.
    const bool azure = scheme == "abfss" || scheme == "abfs";
    if (!azure && sign != std::string_view::npos && sign >= at) text.erase(at, sign - at + 1);
    if (scheme != "http" && scheme != "https") continue;
    const size_t query = end_of("?#", at) + 1;
    const size_t end = end_of(kEnds, at);
    if (query >= end || text[query - 1] != '?') continue;
    const size_t last = std::min(end, end_of("#", query));
    text.replace(query, last - query,
                 without_values(std::string_view(text).substr(query, last - query)));
  }
  return text;
}

}  // namespace lamella
