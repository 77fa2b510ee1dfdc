// SPDX-License-Identifier: Apache-2.0
// Which MLflow server a run's record is sent to, and where it belongs there: as a study or the
// command line says, or by the environment, or by a run that is active in the calling process.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/option.h"
#include "lamella/mlflow/publish.h"

namespace lamella::mlflow {

struct TrackingOptions {
  std::optional<std::string> mlflow{};  // tracking URI, "" for none; not set: MLFLOW_TRACKING_URI
  std::string experiment{};             // name; "": MLFLOW_EXPERIMENT_NAME or _ID, else the study's
  std::string run_name{};               // "": MLFLOW_RUN_NAME, else the run_id
  std::string parent{};                 // MLflow's id of the run to be nested in, "" for none
  std::string register_model{};         // name at the model registry, "" for none
  std::string alias{};
  std::vector<std::string> artifacts = artifact_kinds();
  bool required = false;  // what cannot be sent is an Error and no warning
  // Error kInvalidArgument: an address that cannot work, those of PublishOptions. What the
  // environment says is not looked at.
  void validate() const;
  static const OptionTable<TrackingOptions>& table();
};

// MLflow's own client, where it is loaded in the process that calls us.
struct CallingClient {
  std::string python;         // the interpreter, which has the package
  std::string tracking_uri;   // the client's
  std::string active_run_id;  // "" if no run is active
};

// uri "": nowhere. An address that was not named by the study and cannot be used is told to
// `refused`. Error kInvalidArgument where the study requires a server: for such an address, and
// where none is named.
PublishOptions publish_options(const TrackingOptions& tracking, const CallingClient& client,
                               const std::function<void(const std::string&)>& refused);

// Of the options first, then of the client's active run (if it is at the server that the options
// name, or they name none), then of MLflow's variables: MLFLOW_RUN_ID, MLFLOW_EXPERIMENT_NAME,
// MLFLOW_EXPERIMENT_ID, MLFLOW_RUN_NAME.
record::Placement placement_of(const TrackingOptions& tracking, const CallingClient& client);
// Both, for a record that begins: the second is kept in it. `warn` is told of an address that is
// refused, and of an active run that the record will not be part of. Errors as of publish_options.
PublishOptions choose_server(record::RunDocument& document, const TrackingOptions& tracking,
                             const CallingClient& client,
                             const std::function<void(const std::string&)>& warn);
// Of a record that is sent later: what the options say, then what the record does, then MLflow's
// variables.
record::Placement placement_again(TrackingOptions tracking, const record::Placement& recorded);

}  // namespace lamella::mlflow
