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
  std::string uri{};             // http(s)://[user:password@]host[:port][/path], databricks[://…]
  std::string register_model{};  // name of the registered model, "" for none
  std::string alias{};           // set on the registered version, "" for none
  // An interpreter that has MLflow's own client, for stores that the server does not serve; "":
  // that of the program 'mlflow' on the PATH.
  std::string python{};
  bool required = false;    // what cannot be sent in the end is an Error and no warning
  bool last_words = false;  // one short attempt, for a run that is being stopped
  void validate() const;
};

// What a run has to be sent beside parameters, metrics and tags, by name: record (run.json,
// log.txt, study.toml), report, scores, heatmaps, model (of patches, one network), by_position (of
// slides and positions).
const std::vector<std::string>& artifact_kinds();

struct Published {
  std::string uri;            // without credentials
  bool is_workspace = false;  // of Databricks
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

// `document` is the record as it is now (RUNNING: without what is not finished), `folder` where it
// lies; its placement says which experiment and run it belongs to. What was sent is kept in
// <folder>/mlflow.json; without it (read-only folder) more is asked for and sent again. Error as
// Client's; kInvalidArgument: the experiment, or the run that is to be filled in, is deleted;
// kUnsupported: the server takes no artifacts, and MLflow's own client is not here.
Published publish_run(const record::RunDocument& document, const std::string& folder,
                      const PublishOptions& options, const Context& context);

nlohmann::json to_json(const Published& published);

}  // namespace lamella::mlflow
