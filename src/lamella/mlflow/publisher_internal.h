// SPDX-License-Identifier: Apache-2.0
// One sending of one record.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lamella/mlflow/client.h"
#include "lamella/mlflow/content_internal.h"
#include "lamella/mlflow/files_internal.h"
#include "lamella/mlflow/publish.h"

namespace lamella::mlflow {

// The tag that MLflow's pages show as the description of a run or a logged model.
inline constexpr const char* kNoteTag = "mlflow.note.content";

class Publisher {
 public:
  Publisher(const record::RunDocument& document, const std::string& folder,
            const PublishOptions& options, Client& client, const Context& context);
  Published send();

 private:
  using Json = nlohmann::json;

  // Where files go to: the folder of a run (model_id "") or of a logged model.
  struct Place {
    std::string artifact_uri, model_id;
    std::string prefix = {};
  };

  void read_state();
  void write_state() const;

  // The run as the server has it: {"info", "data"}; null if it has none.
  Json run_at_server(const std::string& run_id);
  // One that the user named. Error kInvalidArgument: it is not there, or deleted.
  Json named_run(const std::string& run_id, const std::string& what);
  void find_experiment();
  std::string experiment_name();
  std::string find_by_id(const std::string& experiment_id);
  std::string find_by_name(const std::string& name);
  Json find_main_run(const Run& run);
  Json find_run(const std::string& key);
  Json find_or_create_run(const Run& run, const std::string& parent_id);
  Json create_run(const Run& run, const std::string& parent_id);

  void send_values(const Run& run, const std::string& id);
  void send_status(const Run& run, const std::string& id);
  void send_main(const Run& run);
  void send_nested();
  void send_inputs();
  void send_files(const RunFiles& files, const Place& place, const std::string& done_key);
  void send_by_client(const RunFiles& files, const Place& place);

  void send_model(bool whole);
  void send_to_run(const RunFiles& model, bool whole);
  std::string send_logged(const std::string& name, RunFiles files, bool whole);
  bool find_or_create_model(const std::string& name, const std::string& key, std::string& model_id,
                            std::string& artifact_uri);
  void finish_model(const std::string& model_id, const std::string& done_key);
  void link_model(const std::string& model_id);
  void link_model_metrics(const std::string& model_id);
  void register_model(const std::string& source, const std::string& model_id);
  Json find_or_create_version(const std::string& source, const std::string& model_id);
  void describe_run();
  void describe_model(const std::string& model_id);

  const record::RunDocument& document_;
  const record::Placement placement_;
  const std::string& folder_;
  const PublishOptions& options_;
  Client& client_;
  const Context& context_;
  Published published_;
  Json target_;           // the run that is to be filled in or nested in, if one is named
  bool adopted_ = false;  // that one is filled in
  std::string parent_id_;
  std::string artifact_uri_;
  std::string card_;                 // the model's, as much of it as a description holds
  Json all_state_ = Json::object();  // by server
  Json state_ = Json::object();      // of this one
};

}  // namespace lamella::mlflow
