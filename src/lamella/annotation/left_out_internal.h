// SPDX-License-Identifier: Apache-2.0
// Notes on many annotations in one line each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lamella::annotation {

// What was left out or adapted, by kind: "annotation 'a' <one>" or "3 annotations <many>: 'a', 'b',
// 'c'", however many there are.
class LeftOut {
 public:
  void add(const std::string& one, const std::string& many, const std::string& name);
  void add_without_area(const std::string& name);  // fewer than three points
  // A line for each kind, in the order in which they were met.
  void note(std::vector<std::string>& notes) const;

 private:
  struct Kind {
    std::string one, many;
    int64_t count = 0;
    std::vector<std::string> first;  // names
  };
  std::vector<Kind> kinds_;
};

}  // namespace lamella::annotation
