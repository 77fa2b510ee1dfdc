// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/tracking.h"

#include <cstdlib>

#include "lamella/base/error.h"

namespace lamella::mlflow {

const OptionTable<TrackingOptions>& TrackingOptions::table() {
  static const auto kTable =
      OptionTable<TrackingOptions>()
          .row("mlflow", &TrackingOptions::mlflow,
               {.help = "tracking URI of an MLflow server; empty for none",
                .otherwise = "MLFLOW_TRACKING_URI"})
          .row("register", &TrackingOptions::register_model,
               {.help = "also make a version of this registered model"})
          .row("alias", &TrackingOptions::alias, {.help = "alias of that version"});
  return kTable;
}

void TrackingOptions::validate() const {
  PublishOptions publish{mlflow.value_or(""), register_model, alias, false};
  if (publish.uri.empty()) publish.uri = "http://from.environment";
  publish.validate();
}

PublishOptions publish_options(const TrackingOptions& tracking,
                               const std::function<void(const std::string&)>& refused) {
  PublishOptions options{tracking.mlflow.value_or(""), tracking.register_model, tracking.alias,
                         false};
  if (tracking.mlflow) return options;
  options.uri = tracking_uri_from_environment();
  const char* value = std::getenv("MLFLOW_TRACKING_URI");
  try {
    if (!options.uri.empty()) options.validate();
    if (options.uri.empty() && value && *value) {
      throw Error(ErrorCode::kInvalidArgument, "is no http or https address");
    }
  } catch (const Error& error) {
    options.uri.clear();
    refused("MLFLOW_TRACKING_URI: " + error.message());
  }
  return options;
}

}  // namespace lamella::mlflow
