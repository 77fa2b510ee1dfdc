// SPDX-License-Identifier: Apache-2.0
#include "lamella/slide/colour_profiles.h"

#include <fmt/format.h>

#include <map>

#include "lamella/base/text.h"

namespace lamella::slide {

std::optional<std::string> unlike_profiles(
    const std::vector<std::optional<ColourProfile>>& slides) {
  std::map<std::string, std::pair<std::string, int64_t>> found;  // by hash: name, slides
  for (const std::optional<ColourProfile>& icc : slides) {
    auto& [name, count] = found[icc ? icc->sha256 : ""];
    name = !icc ? "none" : icc->name.empty() ? "without a name" : "'" + icc->name + "'";
    ++count;
  }
  if (found.size() < 2) return {};
  std::vector<std::string> parts;
  for (const auto& [hash, each] : found) {
    if (parts.size() < 8) parts.push_back(fmt::format("{} on {}", each.first, each.second));
  }
  return fmt::format(
      "the slides carry {} different colour profiles ({}), which are not applied; expect their "
      "colours to differ",
      found.size(), join(parts, ", "));
}

}  // namespace lamella::slide
