// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/tracking.h"

#include <fmt/format.h>

#include <cstdlib>

#include "lamella/base/error.h"

namespace lamella::mlflow {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string without_slash(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  return uri;
}

// What the process is told, where the study names no server.
void take_uri_around(PublishOptions& options, const CallingClient& client,
                     const std::function<void(const std::string&)>& refused) {
  std::string from = "MLFLOW_TRACKING_URI";
  options.uri = environment(from.c_str());
  if (options.uri.empty() && !client.active_run_id.empty()) {
    from = "the active MLflow run";
    options.uri = client.tracking_uri;
  }
  if (options.uri.empty()) return;
  try {
    options.validate();
  } catch (const Error& error) {
    const std::string why = fmt::format("{}: {}", from, error.message());
    if (options.required) throw Error(ErrorCode::kInvalidArgument, why);
    options.uri.clear();
    refused(why);
  }
}

}  // namespace

const OptionTable<TrackingOptions>& TrackingOptions::table() {
  static const auto kTable =
      OptionTable<TrackingOptions>()
          .row("mlflow", &TrackingOptions::mlflow,
               {.help = "tracking URI of an MLflow server, or databricks[://PROFILE]; empty for "
                        "none",
                .otherwise = "MLFLOW_TRACKING_URI"})
          .row("experiment", &TrackingOptions::experiment,
               {.help = "name of the experiment; empty: MLFLOW_EXPERIMENT_NAME or _ID, else the "
                        "study's name"})
          .row("run_name", &TrackingOptions::run_name,
               {.help = "name of the run; empty: MLFLOW_RUN_NAME, else its run_id"})
          .row("parent", &TrackingOptions::parent,
               {.help = "MLflow's id of the run that this one is nested in"})
          .row("register", &TrackingOptions::register_model,
               {.help = "also make a version of this registered model"})
          .row("alias", &TrackingOptions::alias, {.help = "alias of that version"})
          .row("artifacts", &TrackingOptions::artifacts,
               {.help = "what is sent of the run's files", .choices = artifact_kinds()})
          .row("required", &TrackingOptions::required,
               {.help = "a run that cannot be sent fails; else it is a warning"});
  return kTable;
}

void TrackingOptions::validate() const {
  PublishOptions publish{
      .uri = mlflow.value_or(""), .register_model = register_model, .alias = alias};
  if (publish.uri.empty()) publish.uri = "http://from.environment";
  publish.validate();
}

PublishOptions publish_options(const TrackingOptions& tracking, const CallingClient& client,
                               const std::function<void(const std::string&)>& refused) {
  PublishOptions options{.uri = tracking.mlflow.value_or(""),
                         .register_model = tracking.register_model,
                         .alias = tracking.alias,
                         .python = client.python,
                         .required = tracking.required};
  if (!tracking.mlflow) take_uri_around(options, client, refused);
  if (options.uri.empty() && tracking.required) {
    throw Error(ErrorCode::kInvalidArgument,
                "tracking.required is true and no MLflow server is named; give tracking.mlflow or "
                "set MLFLOW_TRACKING_URI");
  }
  return options;
}

record::Placement placement_of(const TrackingOptions& tracking, const CallingClient& client) {
  const bool elsewhere =
      tracking.mlflow && without_slash(*tracking.mlflow) != without_slash(client.tracking_uri);
  const std::string active = elsewhere ? "" : client.active_run_id;
  record::Placement placement;
  placement.experiment = tracking.experiment;
  if (placement.experiment.empty()) {
    placement.experiment = environment("MLFLOW_EXPERIMENT_NAME");
    if (placement.experiment.empty()) placement.experiment_id = environment("MLFLOW_EXPERIMENT_ID");
  }
  placement.run_name =
      tracking.run_name.empty() ? environment("MLFLOW_RUN_NAME") : tracking.run_name;
  placement.parent_run_id = tracking.parent;
  if (tracking.artifacts != artifact_kinds()) placement.artifacts = tracking.artifacts;
  if (!tracking.parent.empty()) return placement;
  placement.mlflow_run_id = active;
  placement.ended_by_caller = !active.empty();
  if (placement.mlflow_run_id.empty()) placement.mlflow_run_id = environment("MLFLOW_RUN_ID");
  return placement;
}

PublishOptions choose_server(record::RunDocument& document, const TrackingOptions& tracking,
                             const CallingClient& client,
                             const std::function<void(const std::string&)>& warn) {
  const record::Placement& placement = document.placement.emplace(placement_of(tracking, client));
  PublishOptions options = publish_options(tracking, client, [&](const std::string& why) {
    warn(fmt::format("{}; nothing is sent to MLflow, the record stays in the output", why));
  });
  const bool left_alone = !client.active_run_id.empty() && tracking.parent.empty() &&
                          placement.mlflow_run_id != client.active_run_id;
  if (left_alone && !options.uri.empty()) {
    warn(
        fmt::format("the active MLflow run {} is not at the server that the study names; the run "
                    "is not part of it",
                    client.active_run_id));
  }
  return options;
}

record::Placement placement_again(TrackingOptions tracking, const record::Placement& recorded) {
  const bool moved = !tracking.parent.empty() || !tracking.experiment.empty();
  const auto keep = [](std::string& said, const std::string& before) {
    if (said.empty()) said = before;
  };
  keep(tracking.experiment, recorded.experiment);
  keep(tracking.run_name, recorded.run_name);
  keep(tracking.parent, recorded.parent_run_id);
  if (tracking.artifacts == artifact_kinds() && !recorded.artifacts.empty()) {
    tracking.artifacts = recorded.artifacts;
  }
  record::Placement placement = placement_of(tracking, {});
  if (moved) return placement;
  if (!recorded.experiment_id.empty()) placement.experiment_id = recorded.experiment_id;
  if (!recorded.mlflow_run_id.empty()) {
    placement.mlflow_run_id = recorded.mlflow_run_id;
    placement.ended_by_caller = recorded.ended_by_caller;
  }
  return placement;
}

}  // namespace lamella::mlflow
