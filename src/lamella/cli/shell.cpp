// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/shell.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "lamella/base/parallel.h"

namespace lamella::cli {

namespace {

constexpr std::chrono::milliseconds kBarInterval{100};
constexpr std::chrono::seconds kLineInterval{10};
constexpr double kShortStep = 0.2;  // seconds
constexpr int kBarWidth = 24;
constexpr int kNameWidth = 28;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("lamella",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("lamella: %l: %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double fraction) {
  const int full = std::clamp(static_cast<int>(fraction * kBarWidth), 0, kBarWidth);
  std::string text;
  for (int i = 0; i < kBarWidth; ++i) text += i < full ? "━" : "─";
  return text;
}

// "name  ━━━───  tail", never wider than the terminal: a line that wraps cannot be taken back. The
// name gives way first, then the bar, then the tail.
std::string line_text(const ProgressLine& line, int columns) {
  const int room = columns - 1;
  std::string tail = line.tail.substr(0, static_cast<size_t>(std::max(0, room)));
  const int beside = room - static_cast<int>(tail.size());
  if (beside < kBarWidth + 2) return tail;
  const int for_name = std::min(kNameWidth, beside - kBarWidth - 4);
  if (for_name < 1) return bar(line.fraction) + "  " + tail;
  std::string name = line.name.substr(0, static_cast<size_t>(for_name));
  name.resize(static_cast<size_t>(for_name), ' ');
  return name + "  " + bar(line.fraction) + "  " + tail;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void print_error(const std::string& message) { logger().error(message); }

Shell::Shell(const GlobalOptions& options, CancelToken cancel, Spelling spelling)
    : options_(options),
      cancel_(std::move(cancel)),
      spelling_(std::move(spelling)),
      terminal_(::isatty(STDERR_FILENO) == 1) {
  if (options_.threads <= 0) options_.threads = available_threads();
  logger().set_level(options_.verbose ? spdlog::level::debug
                     : options_.quiet ? spdlog::level::warn
                                      : spdlog::level::info);
}

Context Shell::context() {
  Context context;
  context.threads = options_.threads;
  context.cancel = cancel_;
  context.warning = [this](const std::string& message) { warn(message); };
  context.notice = [this](const std::string& message) { info(message); };
  if (!options_.quiet) context.progress = [this](const Progress& progress) { show(progress); };
  return context;
}

void Shell::print(const nlohmann::json& object, const std::string& text) {
  if (const std::string ended = tracker_.end(seconds_now()); !ended.empty()) info(ended);
  end_progress();
  // A path may be no UTF-8; that is no reason to lose the result.
  std::cout << (options_.json
                    ? object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                    : text)
            << std::flush;
}

void Shell::warn(const std::string& message) {
  end_progress();
  logger().warn(spelling_(message));
}

void Shell::info(const std::string& message) {
  end_progress();
  logger().info(spelling_(message));
}

void Shell::debug(const std::string& message) {
  end_progress();
  logger().debug(message);
}

void Shell::end_progress() {
  if (lines_shown_ > 1) std::fputs("\r\033[K\033[A", stderr);
  if (lines_shown_ > 0) std::fputs("\r\033[K", stderr);
  lines_shown_ = 0;
}

void Shell::show(const Progress& progress) {
  const ProgressView view = tracker_.take(progress, seconds_now());
  if (!view.ended.empty()) info(view.ended);
  if (terminal_) {
    show_lines(view);
  } else {
    log_line(view);
  }
}

// Plain lines: a sign of life every ten seconds, however short the steps are, and the end of each
// step that took a moment, unless it is one slide's of many.
void Shell::log_line(const ProgressView& view) {
  const auto now = std::chrono::steady_clock::now();
  const bool worth_a_line = view.step_finished && !view.cohort && view.step_seconds >= kShortStep;
  if (!worth_a_line && now - last_shown_ < kLineInterval) return;
  last_shown_ = now;
  logger().info("{}{}: {}", view.cohort ? view.cohort->tail + "; " : "", view.step.name,
                view.step.tail);
}

void Shell::show_lines(const ProgressView& view) {
  const auto now = std::chrono::steady_clock::now();
  // Steps of a cohort may be many and short.
  const bool at_once = (view.step_finished || view.new_step) && !view.cohort;
  if (!at_once && now - last_shown_ < kBarInterval) return;
  last_shown_ = now;
  const int columns = terminal_columns();
  end_progress();
  if (view.cohort) {
    std::fputs((line_text(*view.cohort, columns) + "\n").c_str(), stderr);
    std::fputs(line_text(view.step, columns).c_str(), stderr);
    lines_shown_ = 2;
  } else {
    std::fputs(line_text(view.step, columns).c_str(), stderr);
    if (view.step_finished) std::fputs("\n", stderr);
    lines_shown_ = view.step_finished ? 0 : 1;
  }
  std::fflush(stderr);
}

}  // namespace lamella::cli
