// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/publish.h"

#include <fmt/format.h>

#include <utility>

#include "lamella/base/credentials.h"
#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/io/files.h"
#include "lamella/mlflow/packaged_client.h"
#include "lamella/mlflow/publisher_internal.h"

namespace lamella::mlflow {

using Json = nlohmann::json;

Publisher::Publisher(const record::RunDocument& document, const std::string& folder,
                     const PublishOptions& options, Client& client, const Context& context)
    : document_(document),
      placement_(document.placement.value_or(record::Placement{})),
      folder_(folder),
      options_(options),
      client_(client),
      context_(context) {
  published_.uri = client.uri();
  published_.is_workspace = client.is_workspace();
  read_state();
}

void Publisher::read_state() {
  const std::string path = folder_ + "/mlflow.json";
  if (!io::exists(path)) return;
  try {
    const Json read = parse_json_or_discard(io::read_text_file(path));
    if (read.is_object()) all_state_ = read;
  } catch (const Error&) {
    return;  // not readable: the server is asked instead
  }
  if (all_state_.contains(client_.uri()) && all_state_[client_.uri()].is_object()) {
    state_ = all_state_[client_.uri()];
  }
}

void Publisher::write_state() const {
  Json all = all_state_;
  all[client_.uri()] = state_;
  try {
    io::write_file_atomic(folder_ + "/mlflow.json", all.dump(1) + "\n");
  } catch (const Error&) {
    // A read-only folder: the next sending asks the server instead.
  }
}

void Publisher::send_values(const Run& run, const std::string& id) {
  for (const Json& body : batches(id, run.params, run.tags, run.metrics)) {
    client_.call("POST", "runs/log-batch", body);
  }
}

void Publisher::send_status(const Run& run, const std::string& id) {
  Json update = {{"run_id", id}, {"status", run.status}};
  if (run.end_ms) update["end_time"] = *run.end_ms;
  if (adopted_ && id == published_.run_id && !placement_.run_name.empty()) {
    update["run_name"] = placement_.run_name;
  }
  client_.call("POST", "runs/update", update);
}

void Publisher::send_main(const Run& run) {
  send_values(run, published_.run_id);
  // A run that somebody else has begun and will end goes on until he does.
  if (!adopted_ || !placement_.ended_by_caller) send_status(run, published_.run_id);
}

void Publisher::send_nested() {
  for (Run& run : nested_contents(document_)) {
    ++published_.nested;
    if (state_["nested"].contains(run.key)) continue;
    run.tags.push_back({{"key", "mlflow.parentRunId"}, {"value", published_.run_id}});
    const Json info = find_or_create_run(run, published_.run_id);
    const std::string id = info.at("run_id").get<std::string>();
    send_values(run, id);
    send_status(run, id);
    state_["nested"][run.key] = id;
  }
  write_state();
}

void Publisher::send_inputs() {
  Json datasets = Json::array();
  for (const Dataset& dataset : dataset_inputs(document_)) datasets.push_back(dataset.input);
  if (datasets.empty() || state_.value("inputs", Json()) == datasets) return;
  // Servers before 2.4 have no inputs.
  client_.call("POST", "runs/log-inputs", {{"run_id", published_.run_id}, {"datasets", datasets}},
               {"ENDPOINT_NOT_FOUND"});
  state_["inputs"] = datasets;
}

void Publisher::send_files(const RunFiles& files, const Place& place, const std::string& done_key) {
  for (const std::string& path : files.missing) published_.files_missing.push_back(path);
  Json& done = state_[done_key];
  RunFiles left;
  for (const RunFile& file : files.files) {
    if (done.contains(file.name) && done[file.name] == file.sha256) {
      ++published_.files_there;
    } else {
      left.files.push_back(file);
    }
  }
  const auto total = static_cast<int64_t>(left.files.size());
  const bool at_once = !takes_artifacts(place.artifact_uri);
  if (at_once && total > 0) {
    if (options_.last_words) return;  // there is no time for it
    send_by_client(left, place);
  }
  int64_t count = 0;
  for (const RunFile& file : left.files) {
    context_.report("send files", count++, total, "files");
    if (!at_once) {
      client_.put_artifact(place.artifact_uri, place.prefix + file.name, {file.path, file.bytes});
    }
    done[file.name] = file.sha256;
    ++published_.files_sent;
    if (!at_once) write_state();
  }
  write_state();
  context_.report("send files", total, total, "files");
}

void Publisher::send_by_client(const RunFiles& files, const Place& place) {
  const std::string python = options_.python.empty() ? find_packaged_client() : options_.python;
  if (python.empty()) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("the server keeps artifacts at '{}' and does not take them itself; "
                            "install MLflow's own client here, which reaches such stores (pip "
                            "install 'lamella[mlflow]', for s3:// also boto3; its program 'mlflow' "
                            "must be on the PATH), or start the server with --serve-artifacts",
                            without_credentials(place.artifact_uri)),
                client_.uri());
  }
  Upload upload{.run_id = published_.run_id, .model_id = place.model_id, .files = {}};
  for (const RunFile& file : files.files) {
    upload.files.push_back({place.prefix + file.name, file.path, file.bytes});
  }
  upload_by_client(python, client_.address(), upload, context_);
}

Published Publisher::send() {
  find_experiment();
  Run run = run_content(document_);
  const Json info = find_main_run(run);
  published_.run_id = info.at("run_id").get<std::string>();
  artifact_uri_ = info.value("artifact_uri", "");
  if (state_.value("run_id", published_.run_id) != published_.run_id) {
    state_ = Json::object();  // that run was deleted at the server
  }
  state_["experiment_id"] = published_.experiment_id;
  state_["run_id"] = published_.run_id;
  write_state();

  // What came first stays first: only the rest of each curve is sent.
  const size_t sent = state_.value("metrics_sent", size_t{0});
  const size_t all = run.metrics.size();
  if (sent <= all) run.metrics.erase(run.metrics.begin(), run.metrics.begin() + sent);
  const std::string status = std::exchange(run.status, "RUNNING");
  const auto end_ms = std::exchange(run.end_ms, std::nullopt);
  send_main(run);
  state_["metrics_sent"] = all;
  send_inputs();
  send_nested();
  const Place place{artifact_uri_, ""};
  if (status == "RUNNING") {
    send_files(output_files(document_, state_["files"]), place, "files");
    send_model(false);
    return published_;
  }

  // The end last: a run that the server shows as finished is whole.
  run.params = run.tags = run.metrics = Json::array();
  run.status = status;
  run.end_ms = end_ms;
  try {
    send_files(record_files(document_, folder_), place, "files");
    send_files(output_files(document_, state_["files"]), place, "files");
    send_model(true);
  } catch (const Error&) {
    write_state();
    send_main(run);  // its figures are there, whatever became of the files
    throw;
  }
  send_main(run);
  write_state();
  return published_;
}

void PublishOptions::validate() const {
  parse_tracking_uri(uri);
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, message);
  };
  if (register_model.find_first_of("/:'\"`") != std::string::npos) {
    refuse(fmt::format("name of the registered model: found {}, expected none of / : ' \" `",
                       register_model));
  }
  if (!alias.empty() && register_model.empty()) {
    refuse("an alias belongs to a registered model; give its name too");
  }
}

const std::vector<std::string>& artifact_kinds() {
  static const std::vector<std::string> kKinds = {"record",   "report", "scores",
                                                  "heatmaps", "model",  "by_position"};
  return kKinds;
}

Published publish_run(const record::RunDocument& document, const std::string& folder,
                      const PublishOptions& options, const Context& context) {
  options.validate();
  io::HttpOptions http = http_options_from_environment();
  if (!http.verify_tls) {
    context.warn(
        "MLFLOW_TRACKING_INSECURE_TLS is set: the MLflow server's identity is not checked");
  }
  if (options.last_words) {
    http.max_retries = 0;
    http.connect_timeout_s = http.timeout_s = 2;
  }
  Client client(find_workspace(parse_tracking_uri(options.uri)), http,
                options.last_words ? CancelToken() : context.cancel);
  try {
    return Publisher(document, folder, options, client, context).send();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kFormat,
                fmt::format("the server's answer is not MLflow's: {}", error.what()), client.uri());
  }
}

std::string Published::run_url() const {
  return fmt::format("{}/{}/experiments/{}/runs/{}", uri, is_workspace ? "ml" : "#", experiment_id,
                     run_id);
}

Json to_json(const Published& published) {
  return {{"uri", published.uri},
          {"experiment_id", published.experiment_id},
          {"mlflow_run_id", published.run_id},
          {"url", published.run_url()},
          {"nested_runs", published.nested},
          {"model_id", published.model_id},
          {"position_model_id", published.position_model_id},
          {"model_version", published.model_version},
          {"files_sent", published.files_sent},
          {"files_there", published.files_there},
          {"files_missing", published.files_missing}};
}

}  // namespace lamella::mlflow
