// SPDX-License-Identifier: Apache-2.0
#include "lamella/io/net/profile_file.h"

#include <sstream>

#include "lamella/base/text.h"
#include "lamella/io/files.h"

namespace lamella::io {

std::map<std::string, ProfileValues> read_profile_file(const std::string& path) {
  std::map<std::string, ProfileValues> sections;
  if (path.empty() || !exists(path)) return sections;
  std::istringstream lines(read_text_file(path, int64_t{1} << 20));
  ProfileValues* section = nullptr;
  for (std::string line; std::getline(lines, line);) {
    const std::string text(trim(line));
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text[0] == '[') {
      std::string name(trim(std::string_view(text).substr(1, text.find(']') - 1)));
      if (name.starts_with("profile ")) name = trim(std::string_view(name).substr(8));
      section = &sections[name];
      continue;
    }
    const size_t equals = text.find('=');
    if (!section || equals == std::string::npos) continue;
    const std::string key = to_lower(trim(std::string_view(text).substr(0, equals)));
    (*section)[key] = trim(std::string_view(text).substr(equals + 1));
  }
  return sections;
}

}  // namespace lamella::io
