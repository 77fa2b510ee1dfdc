// SPDX-License-Identifier: Apache-2.0
// What a search tries: the table [search] of a study file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"

namespace lamella::verbs {

enum class SearchDraw { kGrid, kRandom };
enum class SearchBy { kLogLoss, kAuc };

// Every combination of the lists, or some of them; an empty list stands for the study's own value.
struct SearchOptions {
  SearchDraw draw = SearchDraw::kGrid;
  SearchBy by = SearchBy::kLogLoss;
  std::optional<int64_t> trials;  // at most so many; not set: all of a grid, 20 random ones
  std::optional<double> hours;    // no trial begins later; not set: no limit
  uint64_t seed = 1;              // of random draws
  std::vector<std::string> encoder;
  std::vector<double> mpp;
  std::vector<double> size_px;
  std::vector<std::string> views;  // "1,2": fields of view of the encoder
  std::vector<double> l1_ratio;

  bool empty() const;  // nothing is to be varied
  // Error kInvalidArgument: an option outside its bounds; a value twice in a list.
  void validate() const;
  static const OptionTable<SearchOptions>& table();
};

inline constexpr int64_t kRandomTrials = 20;
inline constexpr int64_t kMaxTrials = 100000;

}  // namespace lamella::verbs
