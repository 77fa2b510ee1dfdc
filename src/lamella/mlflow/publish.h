// SPDX-License-Identifier: Apache-2.0
// A run record sent to an MLflow server over REST. Sending again sends what is missing and doubles
// nothing: runs are found by a tag, metrics have the times of the record, files replace themselves.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"

namespace lamella::mlflow {

struct PublishOptions {
  std::string uri;             // http(s)://[user:password@]host[:port][/path]
  std::string register_model;  // name of the registered model, "" for none
  std::string alias;           // set on the registered version, "" for none
  bool last_words = false;     // one short attempt, for a run that is being stopped
  void validate() const;
};

struct Published {
  std::string uri;  // without credentials
  std::string experiment_id;
  std::string run_id;  // MLflow's
  int nested = 0;      // nested runs
  std::string model_id;
  std::string position_model_id;  // the one that takes rows: slide, position
  std::string model_version;      // of the registered model, "" if none
  int64_t files_sent = 0;
  int64_t files_there = 0;                 // sent before, unchanged since
  std::vector<std::string> files_missing;  // gone, or overwritten by a later run

  std::string run_url() const;
};

// `document` is the record as it is now (RUNNING: without files and model), `folder` where it lies.
// What was sent is kept in <folder>/mlflow.json; without it (read-only folder) more is asked for
// and sent again. Error as Client's; kInvalidArgument: the experiment is deleted.
Published publish_run(const record::RunDocument& document, const std::string& folder,
                      const PublishOptions& options, const Context& context);

nlohmann::json to_json(const Published& published);

// MLFLOW_TRACKING_URI if it is http(s), else "".
std::string tracking_uri_from_environment();

}  // namespace lamella::mlflow
