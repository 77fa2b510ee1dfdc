// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/progress_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lamella::cli {

namespace {

constexpr double kRateAfter = 0.2;  // seconds
constexpr double kLeftAfter = 1;

struct Slide {
  int64_t at = 0, slides = 0;
  std::string_view step;
};

// Of "45/400 encode T045".
std::optional<Slide> slide_of(std::string_view step) {
  Slide slide;
  const char* end = step.data() + step.size();
  const auto [slash, bad_at] = std::from_chars(step.data(), end, slide.at);
  if (bad_at != std::errc() || slash == end || *slash != '/') return {};
  const auto [space, bad_slides] = std::from_chars(slash + 1, end, slide.slides);
  if (bad_slides != std::errc() || space == end || *space != ' ') return {};
  if (slide.at < 1 || slide.at > slide.slides) return {};
  slide.step = step.substr(static_cast<size_t>(space + 1 - step.data()));
  return slide;
}

std::string left_text(double seconds, double fraction) {
  if (seconds < kLeftAfter || fraction <= 0 || fraction >= 1) return "";
  return "  " + clock_text(seconds * (1 - fraction) / fraction) + " left";
}

std::string rate_text(double seconds, int64_t count, std::string_view unit) {
  if (seconds <= kRateAfter || count <= 0) return "";
  return fmt::format("  {:.0f} {}/s", static_cast<double>(count) / seconds, unit);
}

double fraction_of(const Progress& progress) {
  if (progress.total <= 0) return 1;
  return std::clamp(static_cast<double>(progress.done) / static_cast<double>(progress.total), 0.0,
                    1.0);
}

}  // namespace

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// Returns how the pass before went, if this slide begins another.
std::string ProgressTracker::take_slide(int64_t at, int64_t slides, double now) {
  std::string ended;
  if (pass_ && (pass_->slides != slides || at < pass_->at)) ended = end(now);
  if (!pass_) pass_ = Pass{slides, at, now};
  pass_->at = at;
  return ended;
}

ProgressView ProgressTracker::take(const Progress& progress, double now) {
  ProgressView view;
  const auto slide = slide_of(progress.step);
  view.new_step = progress.step != step_;
  if (view.new_step) {
    step_ = progress.step;
    step_start_ = now;
    step_first_ = progress.done < progress.total ? progress.done : 0;
    if (pass_) {
      pass_->patches_before += pass_->patches;
      pass_->patches = 0;
    }
  }
  if (slide) {
    view.ended = take_slide(slide->at, slide->slides, now);
    if (progress.unit == "patches" && !slide->step.ends_with("(found finished)")) {
      pass_->patches = progress.done - step_first_;
    }
  } else {
    view.ended = end(now);
  }
  view.step_seconds = now - step_start_;
  view.step_finished = progress.done >= progress.total;
  view.step.name = std::string(slide ? slide->step : progress.step);
  view.step.fraction = fraction_of(progress);
  const int64_t made = progress.done - step_first_;
  const double made_fraction =
      progress.total > step_first_
          ? static_cast<double>(made) / static_cast<double>(progress.total - step_first_)
          : 1.0;
  view.step.tail = fmt::format("{} / {} {}", progress.done, progress.total, progress.unit);
  if (slide) {
    view.cohort = cohort_line(view.step.fraction, now);
  } else {
    view.step.tail += rate_text(view.step_seconds, made, progress.unit) +
                      left_text(view.step_seconds, made_fraction);
  }
  return view;
}

ProgressLine ProgressTracker::cohort_line(double step_fraction, double now) const {
  const double seconds = now - pass_->start;
  const auto slides = static_cast<double>(pass_->slides);
  const bool last_is_done = pass_->at == pass_->slides && step_fraction >= 1;
  const int64_t done = last_is_done ? pass_->slides : pass_->at - 1;
  ProgressLine line;
  line.name = "slides";
  line.fraction = std::min(1.0, (static_cast<double>(pass_->at - 1) + step_fraction) / slides);
  line.tail = fmt::format("{} / {} slides{}{}", done, pass_->slides,
                          rate_text(seconds, pass_->patches_before + pass_->patches, "patches"),
                          left_text(seconds, line.fraction));
  return line;
}

std::string ProgressTracker::end(double now) {
  if (!pass_) return {};
  const Pass pass = *pass_;
  pass_.reset();
  return fmt::format("{} of {} slides: {} patches in {}", pass.at, pass.slides,
                     pass.patches_before + pass.patches, clock_text(now - pass.start));
}

}  // namespace lamella::cli
