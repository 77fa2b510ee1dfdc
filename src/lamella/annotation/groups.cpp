// SPDX-License-Identifier: Apache-2.0
#include "lamella/annotation/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::annotation {

namespace {

using Names = std::vector<std::string>;

constexpr std::array<std::string_view, 3> kUngrouped = {"none", "ungrouped", "(ungrouped)"};

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool chooses(const Names& wanted, const std::string& group) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& name) { return names_group(name, group); });
}

bool chooses_any(const Names& wanted, const Names& groups) {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const std::string& group) { return chooses(wanted, group); });
}

Names drawn_groups(const AnnotationSet& set) {
  Names drawn;
  for (const Polygon& polygon : set.polygons) {
    if (!contains(drawn, polygon.group)) drawn.push_back(polygon.group);
  }
  return drawn;
}

std::string shown(const Names& groups) {
  Names texts;
  for (const std::string& group : groups) texts.push_back(shown_group(group));
  return texts.empty() ? "(the file has no groups)" : join(texts, ", ");
}

// Only real names are worth a guess.
std::string guess(const std::string& wanted, const Names& groups) {
  Names named;
  for (const std::string& group : groups) {
    if (!group.empty()) named.push_back(group);
  }
  return did_you_mean(wanted, named);
}

std::string letters(const std::string& text) {
  std::string kept;
  for (const char c : to_lower(text)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0) kept += c;
  }
  return kept;
}

// "tumor" for "Tumor", "Tumour" for "Tumor".
bool spelled_nearly(const std::string& a, const std::string& b) {
  const std::string x = letters(a), y = letters(b);
  if (x.empty() || y.empty()) return false;
  const size_t longer = std::max(x.size(), y.size()), shorter = std::min(x.size(), y.size());
  return x == y || (shorter >= 4 && longer - shorter <= 1 && nearest(x, {y}).has_value());
}

// The drawn group that a list most likely means, where its own are not drawn.
bool is_slip(const Names& wanted, const Names& others) {
  if (others == Names{""}) return true;
  return std::any_of(others.begin(), others.end(), [&](const std::string& other) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const std::string& name) { return spelled_nearly(name, other); });
  });
}

}  // namespace

bool names_group(const std::string& wanted, const std::string& group) {
  if (wanted == group) return true;
  return group.empty() &&
         std::find(kUngrouped.begin(), kUngrouped.end(), to_lower(wanted)) != kUngrouped.end();
}

std::string shown_group(const std::string& group) { return group.empty() ? "(ungrouped)" : group; }

Names all_groups(const AnnotationSet& set) {
  Names all = set.groups;
  for (const std::string& group : drawn_groups(set)) {
    if (!contains(all, group)) all.push_back(group);
  }
  return all;
}

void require_group(const AnnotationSet& set, const std::string& wanted) {
  const Names all = all_groups(set);
  if (chooses_any({wanted}, all)) return;
  throw Error(ErrorCode::kNotFound,
              fmt::format("found no annotation group '{}'{}, expected one of: {}", wanted,
                          guess(wanted, all), shown(all)),
              set.path);
}

std::vector<std::string> check_groups(const AnnotationSet& set,
                                      const std::vector<WantedGroups>& wanted) {
  const Names all = all_groups(set), drawn = drawn_groups(set);
  const auto unnamed_of = [&](const Names& groups) {
    Names unnamed;
    for (const std::string& group : groups) {
      const auto named = [&](const WantedGroups& list) { return chooses(list.names, group); };
      if (std::none_of(wanted.begin(), wanted.end(), named)) unnamed.push_back(group);
    }
    return unnamed;
  };
  const Names unnamed = unnamed_of(all), unnamed_drawn = unnamed_of(drawn);
  const bool any_drawn = unnamed_drawn.size() < drawn.size();
  std::vector<std::string> warnings;
  for (const WantedGroups& list : wanted) {
    if (list.names.empty() || unnamed.empty() || chooses_any(list.names, drawn)) continue;
    const std::string names = join(list.names, "' or '");
    if (!chooses_any(list.names, all)) {
      throw Error(ErrorCode::kNotFound,
                  fmt::format("found no annotation group '{}' ({}){}, expected one of the file's: "
                              "{}{}",
                              names, list.what, guess(list.names.front(), unnamed), shown(all),
                              contains(unnamed, "") ? "; outlines without a group are chosen by "
                                                      "the name None"
                                                    : ""),
                  set.path);
    }
    if (unnamed_drawn.empty()) continue;
    if (is_slip(list.names, unnamed_drawn) && !(any_drawn && unnamed_drawn == Names{""})) {
      throw Error(
          ErrorCode::kNotFound,
          fmt::format("the annotation group '{}' ({}) is declared, but no outline is in it, "
                      "expected one of those that are drawn: {}{}",
                      names, list.what, shown(unnamed_drawn),
                      contains(unnamed_drawn, "") ? " (outlines without a group are chosen "
                                                    "by the name None)"
                                                  : ""),
          set.path);
    }
    warnings.push_back(
        fmt::format("the annotation group '{}' ({}) is declared, but no outline is "
                    "in it",
                    names, list.what));
  }
  if (!unnamed.empty()) {
    warnings.push_back(fmt::format("annotation groups that no class names are left out: {}{}",
                                   shown(unnamed),
                                   contains(unnamed, "") ? " (chosen by the name None)" : ""));
  }
  return warnings;
}

}  // namespace lamella::annotation
