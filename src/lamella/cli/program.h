// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "lamella/cli/commands.h"

namespace lamella::cli {

// Exit codes: 0 done; 1 bad input or failure; 2 wrong usage; 3 finished, but some slides failed;
// 130 interrupted.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kSomeSlidesFailed = 3;
inline constexpr int kInterruptedExit = 130;

// What a parsed command line asks for.
struct Parsed {
  GlobalOptions options;
  Action action;
};

// Declares every command in `app`; parsing it fills `parsed`, which must outlive it.
void declare_commands(CLI::App& app, Parsed& parsed);

// Parses the command line, runs one command, and turns every error into a message and a code.
int run_program(int argc, char** argv);

}  // namespace lamella::cli
