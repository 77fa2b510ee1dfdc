// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace lamella::cli {

// Exit codes: 0 done; 1 bad input or failure; 2 wrong usage; 3 finished, but some slides failed;
// 130 interrupted.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kSomeSlidesFailed = 3;
inline constexpr int kInterruptedExit = 130;

// Parses the command line, runs one command, and turns every error into a message and a code.
int run_program(int argc, char** argv);

}  // namespace lamella::cli
