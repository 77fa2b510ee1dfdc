// SPDX-License-Identifier: Apache-2.0
// The classes that labels and scores name. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamella {

inline constexpr size_t kMinClasses = 2, kMaxClasses = 64;
// What stands where a class would: no class may bear these names.
inline constexpr const char* kMostLikely = "most likely";  // of a map that shows every class
inline constexpr const char* kUnlabelled = "unlabelled";   // of a patch that has no label

// A label is an index into `names`; scores have a column for each, in this order. Without names:
// nothing bears a label.
struct ClassTable {
  std::vector<std::string> names;

  bool empty() const { return names.empty(); }
  int count() const { return static_cast<int>(names.size()); }
  bool has(int label) const { return label >= 0 && label < count(); }
  const std::string& name(int label) const { return names.at(static_cast<size_t>(label)); }
  // "fat, gland"
  std::string text() const;
  std::optional<int> find(std::string_view name) const;
  // Error kNotFound: the nearest name, and all there are.
  int index_of(const std::string& name) const;
  // Error kInvalidArgument: not 2 to 64 names; one that is empty, not UTF-8, longer than 100 bytes,
  // one of those above, begins with a dot or has a blank at an end; a comma, a quote, a slash or a
  // control character in it, since names are columns of CSV files and names of folders; two that
  // are the same but for upper and lower case, which no SQL table can hold.
  void validate() const;
  bool operator==(const ClassTable&) const = default;
};

// Error kMismatch where `found` is not `expected`: both are listed. The texts say whose they are:
// "the model", "the plan".
void require_same_classes(const ClassTable& found, const std::string& found_in,
                          const ClassTable& expected, const std::string& expected_of,
                          const std::string& path = {});

}  // namespace lamella
