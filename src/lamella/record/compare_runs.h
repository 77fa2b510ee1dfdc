// SPDX-License-Identifier: Apache-2.0
// What differs between two run records, inputs before outputs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lamella/record/run_document.h"

namespace lamella::record {

struct Difference {
  std::string name;     // "inputs.slide T01.fingerprint", "study.train.l2", "metrics.test.auc"
  nlohmann::json a, b;  // null: not there
  bool is_input = false;
  // b - a where both are numbers.
  std::optional<double> by;
};

// Differences of two JSON values, element by element, in order; lists whose elements name
// themselves ("slide_id" or "path") are matched by name, other lists by place.
std::vector<Difference> compare_json(const std::string& name, const nlohmann::json& a,
                                     const nlohmann::json& b);

struct Comparison {
  std::vector<Difference> differences;  // inputs first, then outputs in the order of computing
  bool inputs_equal() const;
  bool outputs_equal() const;
};

// Inputs: files, options, seeds, split, encoder, software, in this order. Outputs: training,
// scores and heat-maps by their hashes, metrics, outcomes per slide. Names, times, folders and
// counts of what was reused are not compared.
Comparison compare_runs(const RunDocument& a, const RunDocument& b);

// "study.train.l2: "cv" against 0.1"; numbers also say by how much.
std::string to_text(const Difference& difference);
nlohmann::json to_json(const Difference& difference);

}  // namespace lamella::record
