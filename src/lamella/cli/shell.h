// SPDX-License-Identifier: Apache-2.0
// What every command shares with the terminal: results on stdout, progress and log on stderr.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "lamella/base/context.h"
#include "lamella/cli/progress_view.h"

namespace lamella::cli {

struct GlobalOptions {
  int threads = 0;  // 0: all cores
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

class Shell {
 public:
  // `spelling` puts the command's flags where messages name options.
  using Spelling = std::function<std::string(const std::string& message)>;
  Shell(const GlobalOptions& options, CancelToken cancel, Spelling spelling);

  // Threads, cancelling, progress bar and warnings for the verbs. The shell must outlive it.
  Context context();
  const GlobalOptions& options() const { return options_; }

  // The result: the object alone with --json, else the text.
  void print(const nlohmann::json& object, const std::string& text);
  void warn(const std::string& message);
  void info(const std::string& message);   // hidden by --quiet
  void debug(const std::string& message);  // shown by --verbose
  // Takes unfinished progress bars off the terminal.
  void end_progress();

 private:
  void show(const Progress& progress);
  void show_lines(const ProgressView& view);  // a terminal
  void log_line(const ProgressView& view);    // anything else

  GlobalOptions options_;
  CancelToken cancel_;
  Spelling spelling_;
  bool terminal_;
  int lines_shown_ = 0;
  ProgressTracker tracker_;
  std::chrono::steady_clock::time_point last_shown_ = std::chrono::steady_clock::now();
};

// "lamella: error: <message>" on stderr, whatever the options.
void print_error(const std::string& message);

}  // namespace lamella::cli
