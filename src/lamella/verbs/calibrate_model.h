// SPDX-License-Identifier: Apache-2.0
// The verb calibrate: a model's probabilities fitted to labels of the site where it is used.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/model/model.h"
#include "lamella/verbs/evaluate_files.h"

namespace lamella::verbs {

// The model with another calibration; the one before is kept in it, with what the new one was
// fitted to. `rows`: the model's own scores. Warnings: fewer patients than kLeastClusters, or that
// patients are not known. Error kMismatch: other classes; those of evaluation::fit_recalibration.
model::Model calibrated(const model::Model& model, const JoinedRows& rows, const Context& context);

struct CalibrateFiles {
  std::string model;  // folder
  std::vector<std::string> scores, truth;
  std::string groups_csv;
  std::string out;  // folder to write
};
model::Model calibrate_files(const CalibrateFiles& files, const Context& context);

// Of a model that was recalibrated: both calibrations, and what the new one was fitted to.
nlohmann::json calibration_json(const model::Model& model, const std::string& path);

}  // namespace lamella::verbs
