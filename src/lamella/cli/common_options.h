// SPDX-License-Identifier: Apache-2.0
// Options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/base/json_text.h"
#include "lamella/base/stopwatch.h"
#include "lamella/cli/shell.h"
#include "lamella/io/output_lock.h"
#include "lamella/slide/on_damage.h"
#include "lamella/slide/slide.h"

namespace lamella::cli {

struct SlideOptions {
  std::string path;
  std::string slide_id;  // default: the file name without extension
  slide::OpenOptions open_options;

  // Returns --slide, which the caller makes required where it is.
  CLI::Option* add(CLI::App& app);
  std::string id() const;
  // Says what the slide's reader warns of.
  std::shared_ptr<const slide::Slide> open(Shell& shell) const;
};

// --skip-errors: short for --on-damage skip.
void add_skip_errors(CLI::App& app, slide::DamageOptions& damage);

// Opens a slide and says what its reader warns of.
std::shared_ptr<const slide::Slide> open_slide(const std::string& path,
                                               const slide::OpenOptions& options, Shell& shell);

// Holds <out>.lock for the command: one process at a time writes an output. Error kIo: who does.
io::OutputLock lock_output(const std::string& out, Shell& shell);

// Adds patches, seconds and patches_per_second.
void add_rate(nlohmann::json& object, int64_t patches, double seconds);

}  // namespace lamella::cli
