// SPDX-License-Identifier: Apache-2.0
#include "lamella/base/class_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella {

namespace {

constexpr size_t kMaxNameBytes = 100;

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// What is wrong with a name; "" if nothing is.
std::string fault_of(const std::string& name) {
  if (name.empty()) return "found a class without a name, expected one";
  if (!is_utf8(name)) return "found the name of a class that is no UTF-8";
  // As JSON, so that a newline in it breaks no message.
  const std::string shown = nlohmann::json(name).dump();
  if (name.size() > kMaxNameBytes) {
    return fmt::format("class {}: found {} bytes, expected at most {}", shown, name.size(),
                       kMaxNameBytes);
  }
  const auto forbidden = [](unsigned char c) {
    return c < 32 || c == 127 || c == ',' || c == '"' || c == '\'' || c == '/' || c == '\\';
  };
  if (std::any_of(name.begin(), name.end(), forbidden)) {
    return fmt::format(
        "class {}: expected a name without comma, quote, slash and control characters, since it "
        "becomes the column prob_<Class> of scores",
        shown);
  }
  if (name.front() == '.' || trim(name) != name) {
    return fmt::format("class {}: expected a name without a blank at its ends or a dot before it",
                       shown);
  }
  if (name == kMostLikely || name == kUnlabelled) {
    return fmt::format("class {}: this word has a meaning of its own here, expected another name",
                       shown);
  }
  return "";
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

}  // namespace

std::string ClassTable::text() const { return join(names, ", "); }

std::optional<int> ClassTable::find(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return {};
  return static_cast<int>(found - names.begin());
}

int ClassTable::index_of(const std::string& name) const {
  if (const auto found = find(name)) return *found;
  throw Error(ErrorCode::kNotFound, fmt::format("found the class '{}'{}, expected one of {}", name,
                                                did_you_mean(name, names), text()));
}

void ClassTable::validate() const {
  for (const std::string& name : names) {
    if (const std::string fault = fault_of(name); !fault.empty()) refuse(fault);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (names[i] == names[k]) {
        refuse(fmt::format("found the class '{}' twice, expected each once", names[i]));
      }
      if (to_lower(names[i]) == to_lower(names[k])) {
        refuse(
            fmt::format("found the classes '{}' and '{}', expected names that differ in more "
                        "than upper and lower case",
                        names[k], names[i]));
      }
    }
  }
  if (names.size() < kMinClasses || names.size() > kMaxClasses) {
    refuse(
        fmt::format("found {} classes, expected {} to {}", names.size(), kMinClasses, kMaxClasses));
  }
}

void require_same_classes(const ClassTable& found, const std::string& found_in,
                          const ClassTable& expected, const std::string& expected_of,
                          const std::string& path) {
  if (found == expected) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("{} has the classes {}, {} has {}; expected the same names in the same "
                          "order",
                          found_in, found.text(), expected_of, expected.text()),
              path);
}

}  // namespace lamella
