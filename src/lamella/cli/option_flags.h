// SPDX-License-Identifier: Apache-2.0
// Flags made from tables of options, and options spelled as flags in messages.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lamella/base/option.h"

namespace lamella::cli {

// "min_tissue" -> "--min-tissue"
std::string flag_of(const std::string& name);

// Declares the flag of one option, see add_flags.
CLI::Option* add_flag(CLI::App& app, const Option& option, void* object);

// Declares a flag for every option; parsing sets it in options.object, which must outlive the app.
// Parsing throws Error kInvalidArgument, which names the option, for a value outside its bounds.
void add_flags(CLI::App& app, const OptionsOf& options);
template <typename T>
void add_flags(CLI::App& app, T& options) {
  add_flags(app, options_of(options));
}

// The message with every option named as the command that was parsed knows it: its flag, or the
// key of the study file where it has none.
std::string spell_flags(const CLI::App& root, const std::string& message);

// " (did you mean '--x'?)" for the first word that was not understood, or "".
std::string nearest_word(const CLI::App& root);

}  // namespace lamella::cli
