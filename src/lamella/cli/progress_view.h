// SPDX-License-Identifier: Apache-2.0
// What progress looks like: one line for the whole cohort, one for the step at hand. No terminal
// here: texts and fractions, at a time that the caller gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lamella/base/context.h"

namespace lamella::cli {

struct ProgressLine {
  std::string name;
  double fraction = 0;  // 0-1
  std::string tail;     // "512 / 2000 patches  90 patches/s  0:16 left"
};

struct ProgressView {
  std::optional<ProgressLine> cohort;  // where the step is one slide's of many
  ProgressLine step;
  bool new_step = false;
  bool step_finished = false;
  double step_seconds = 0;
  std::string ended;  // how the cohort's last pass went, if another one has begun
};

// A step "45/400 encode T045" is the 45th of 400 slides' (study/run_state). Its patches count for
// the cohort's rate unless they were "(found finished)".
class ProgressTracker {
 public:
  ProgressView take(const Progress& progress, double now_seconds);
  // How the pass that goes on went so far: "400 slides: 81,200 patches in 12:04"; empty if none.
  std::string end(double now_seconds);

 private:
  struct Pass {
    int64_t slides = 0;
    int64_t at = 0;  // 1-based
    double start = 0;
    int64_t patches_before = 0;  // of finished steps
    int64_t patches = 0;         // of the step at hand
  };

  std::string take_slide(int64_t at, int64_t slides, double now);
  ProgressLine cohort_line(double step_fraction, double now) const;

  std::string step_;
  double step_start_ = 0;
  int64_t step_first_ = 0;  // done already when the step began
  std::optional<Pass> pass_;
};

// "1:23:45" or "3:04".
std::string clock_text(double seconds);

}  // namespace lamella::cli
