// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/annotation/left_out_internal.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

constexpr size_t kNamed = 3;

}  // namespace

void LeftOut::add(const std::string& one, const std::string& many, const std::string& name) {
  auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                           [&](const Kind& known) { return known.many == many; });
  if (kind == kinds_.end()) kind = kinds_.insert(kinds_.end(), {one, many, 0, {}});
  if (++kind->count <= static_cast<int64_t>(kNamed)) kind->first.push_back("'" + name + "'");
}

void LeftOut::add_without_area(const std::string& name) {
  add("has fewer than 3 different points and no area: left out",
      "have fewer than 3 different points and no area: left out", name);
}

void LeftOut::note(std::vector<std::string>& notes) const {
  for (const Kind& kind : kinds_) {
    if (kind.count == 1) {
      notes.push_back(fmt::format("annotation {} {}", kind.first.front(), kind.one));
    } else {
      notes.push_back(fmt::format("{} annotations {}: {}{}", kind.count, kind.many,
                                  join(kind.first, ", "),
                                  kind.count > static_cast<int64_t>(kNamed) ? ", …" : ""));
    }
  }
}

}  // namespace lamella::annotation
