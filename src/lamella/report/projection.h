// SPDX-License-Identifier: Apache-2.0
// Patches laid out in two dimensions by another program (UMAP, by the Python package).
#pragma once

#include <string>
#include <vector>

#include "lamella/base/geometry.h"

namespace lamella::report {

inline constexpr const char* kProjectionName = "umap.json";  // in the run's folder
inline constexpr size_t kMostProjected = 20'000;

struct Projection {
  std::string made_by;              // program, its version and its settings
  std::string score_of;             // the class
  size_t of = 0;                    // patches that there were
  std::vector<PointF> places = {};  // n
  std::vector<std::string> classes = {}, patients = {}, slides = {};  // n
  std::vector<double> scores = {};                                    // n, 0-1
};

// Error kNotFound, kCorrupt: what is wrong with it.
Projection read_projection(const std::string& path);

}  // namespace lamella::report
