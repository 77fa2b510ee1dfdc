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

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string bar(double fraction) {
  const int full = std::clamp(static_cast<int>(fraction * kBarWidth), 0, kBarWidth);
  std::string text;
  for (int i = 0; i < kBarWidth; ++i) text += i < full ? "━" : "─";
  return text;
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
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
}

void Shell::show(const Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  const bool new_step = progress.step != step_;
  if (new_step) {
    step_ = progress.step;
    step_start_ = now;
  }
  const bool finished = progress.done >= progress.total;
  const double seconds = std::chrono::duration<double>(now - step_start_).count();
  const std::string rate =
      seconds > 0.2 && progress.done > 0
          ? fmt::format("  {:.0f} {}/s", static_cast<double>(progress.done) / seconds,
                        progress.unit)
          : "";
  if (!terminal_) {
    // Plain lines: the end of each step that took a moment, and a sign of life every ten seconds,
    // however short the steps are.
    const bool worth_a_line = finished && seconds >= kShortStep;
    if (!worth_a_line && now - last_shown_ < kLineInterval) return;
    last_shown_ = now;
    logger().info("{}: {} of {} {}{}", progress.step, progress.done, progress.total, progress.unit,
                  rate);
    return;
  }
  if (!finished && !new_step && now - last_shown_ < kBarInterval) return;
  last_shown_ = now;
  const double fraction =
      progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total)
                         : 1.0;
  std::string rest;
  if (!finished && fraction > 0 && seconds > 1) {
    rest = "  " + clock_text(seconds * (1 - fraction) / fraction) + " left";
  }
  const std::string tail =
      fmt::format("{} / {} {}{}{}", progress.done, progress.total, progress.unit, rate, rest);
  std::string step = step_;
  const int room = terminal_columns() - kBarWidth - static_cast<int>(tail.size()) - 5;
  if (room > 0 && static_cast<int>(step.size()) > room) step.resize(static_cast<size_t>(room));
  std::fputs(fmt::format("\r\033[K{}  {}  {}", step, bar(fraction), tail).c_str(), stderr);
  if (finished) std::fputs("\n", stderr);
  std::fflush(stderr);
  bar_shown_ = !finished;
}

}  // namespace lamella::cli
