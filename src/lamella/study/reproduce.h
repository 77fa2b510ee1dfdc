// SPDX-License-Identifier: Apache-2.0
// A recorded run, made again.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/record/compare_runs.h"

namespace lamella::study {

struct ReproduceOptions {
  // Where the new run writes; "": <output of the study>/reproduced/<run_id>. Must be new or empty.
  std::string output;
  // Use the options as recorded although the study file has changed since.
  bool recorded_options = false;
};

struct Reproduction {
  // Inputs that are no longer what the run had: slides, annotations, tables, encoder, options. If
  // there are any, nothing was computed.
  std::vector<record::Difference> changed;
  // What is no longer the same and may explain a difference: versions, processor.
  std::vector<record::Difference> software;
  // Results that differ from the recorded ones, in the order of computing.
  std::vector<record::Difference> differences;
  std::string run_id;  // of the new run, "" if nothing was computed
  std::string run_folder;

  bool identical() const { return changed.empty() && differences.empty(); }
};

// `folder` is the run's. Error as read_run's and run_study's; kInvalidArgument: the run has no
// results to compare with, or the output folder is not empty.
Reproduction reproduce_run(const std::string& folder, const ReproduceOptions& options,
                           const Context& context);

nlohmann::json to_json(const Reproduction& reproduction);

}  // namespace lamella::study
