// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/spelling.h"

#include <algorithm>
#include <string_view>

namespace lamella {

namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

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

std::string named_option(const std::string& text) {
  std::string first;
  spell_options(text, [&](const std::string& name) {
    if (first.empty()) first = name;
    return name;
  });
  return first;
}

}  // namespace lamella
