// SPDX-License-Identifier: Apache-2.0
// The command line is a table of commands, a file per command.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

#include "lamella/cli/shell.h"

namespace lamella::cli {

// Runs the command with the options that the parser has filled; returns the exit code.
using Action = std::function<int(Shell&)>;

struct Command {
  const char* name;
  const char* help;              // one line
  const char* example;           // shown at the end of --help
  Action (*add)(CLI::App& app);  // declares the options
};

std::span<const Command> commands();

Action add_run(CLI::App& app);
Action add_search(CLI::App& app);
Action add_plan(CLI::App& app);
Action add_extract(CLI::App& app);
Action add_encode(CLI::App& app);
Action add_features(CLI::App& app);
Action add_train(CLI::App& app);
Action add_finetune(CLI::App& app);
Action add_score(CLI::App& app);
Action add_map(CLI::App& app);
Action add_evaluate(CLI::App& app);
Action add_calibrate(CLI::App& app);
Action add_lesions(CLI::App& app);
Action add_convert(CLI::App& app);
Action add_encoder(CLI::App& app);
Action add_phantom(CLI::App& app);
Action add_doctor(CLI::App& app);
Action add_runs(CLI::App& app);
Action add_report(CLI::App& app);
Action add_model(CLI::App& app);
Action add_manifest(CLI::App& app);
Action add_options(CLI::App& app);

}  // namespace lamella::cli
