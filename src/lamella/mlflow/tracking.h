// SPDX-License-Identifier: Apache-2.0
// Which MLflow server a run's record is sent to: as a study or the command line says, or by the
// environment.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lamella/base/option.h"
#include "lamella/mlflow/publish.h"

namespace lamella::mlflow {

struct TrackingOptions {
  std::optional<std::string> mlflow;  // tracking URI, "" for none; not set: MLFLOW_TRACKING_URI
  std::string register_model;         // name at the model registry, "" for none
  std::string alias;
  // Error kInvalidArgument: an address that is none, those of PublishOptions. What the environment
  // says is not looked at.
  void validate() const;
  static const OptionTable<TrackingOptions>& table();
};

// uri "": nowhere. An address in the environment that cannot be used is told to `refused`.
PublishOptions publish_options(const TrackingOptions& tracking,
                               const std::function<void(const std::string&)>& refused);

}  // namespace lamella::mlflow
