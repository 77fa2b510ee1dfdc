// SPDX-License-Identifier: Apache-2.0
#include "lamella/mlflow/publish.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/base/text.h"
#include "lamella/io/files.h"
#include "lamella/io/net/url.h"
#include "lamella/mlflow/client.h"
#include "lamella/mlflow/content_internal.h"
#include "lamella/mlflow/files_internal.h"

namespace lamella::mlflow {

using Json = nlohmann::json;

namespace {

constexpr int kAttemptsToCreate = 4;

// One sending of one record.
class Publisher {
 public:
  Publisher(const record::RunDocument& document, const std::string& folder,
            const PublishOptions& options, Client& client, const Context& context)
      : document_(document),
        folder_(folder),
        options_(options),
        client_(client),
        context_(context) {
    published_.uri = client.uri();
    read_state();
  }
  Published send();

 private:
  void read_state();
  void write_state() const;
  void find_experiment();
  Json find_run(const std::string& key);
  std::string parent_run();
  Json find_or_create_run(const Run& run);
  Json create_run(const Run& run);
  void send_run(const Run& run, const std::string& id);
  void send_nested();
  void send_inputs();
  void send_files(const RunFiles& files, const std::string& artifact_uri, const std::string& prefix,
                  const std::string& done_key);
  void send_model(bool whole);
  void send_position_model(const RunFiles& model, bool whole);
  bool find_or_create_model(const std::string& name, const std::string& key, std::string& model_id,
                            std::string& artifact_uri);
  void finish_model(const std::string& model_id, const std::string& done_key);
  void link_model(const std::string& model_id);
  void link_model_metrics(const std::string& model_id);
  void register_model(const std::string& source);

  const record::RunDocument& document_;
  const std::string& folder_;
  const PublishOptions& options_;
  Client& client_;
  const Context& context_;
  Published published_;
  std::string artifact_uri_;
  Json all_state_ = Json::object();  // by server
  Json state_ = Json::object();      // of this one
};

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

void Publisher::find_experiment() {
  const std::string name = document_.name;
  const std::string path = "experiments/get-by-name?experiment_name=" + io::percent_encode(name);
  for (int attempt = 0;; ++attempt) {
    const auto found = client_.call("GET", path, {}, {"RESOURCE_DOES_NOT_EXIST"});
    if (found) {
      const Json& experiment = found->at("experiment");
      if (experiment.value("lifecycle_stage", "active") != "active") {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("the experiment '{}' is deleted on the server; restore it there "
                                "(mlflow experiments restore), or give the study another name",
                                name),
                    client_.uri());
      }
      published_.experiment_id = experiment.at("experiment_id").get<std::string>();
      return;
    }
    if (attempt >= kAttemptsToCreate) break;
    // Somebody else may create it at the same time.
    client_.call("POST", "experiments/create", {{"name", name}}, {"RESOURCE_ALREADY_EXISTS"});
  }
  throw Error(ErrorCode::kFormat,
              fmt::format("the experiment '{}' was created and is not there", name), client_.uri());
}

// Null if there is none.
Json Publisher::find_run(const std::string& key) {
  const auto found = client_.call("POST", "runs/search",
                                  {{"experiment_ids", {published_.experiment_id}},
                                   {"filter", fmt::format("tags.`{}` = '{}'", kRunTag, key)},
                                   {"max_results", 1}});
  if (!found->contains("runs") || found->at("runs").empty()) return {};
  return found->at("runs")[0].at("info");
}

// That a run is nested in: the run itself for its parts, the search for its trials; "": none.
std::string Publisher::parent_run() {
  if (!published_.run_id.empty() || !document_.trial_of) return published_.run_id;
  const Json search = find_run(document_.trial_of->search);
  return search.is_null() ? "" : search.at("run_id").get<std::string>();
}

Json Publisher::create_run(const Run& run) {
  const std::string user = document_.caller ? document_.caller->user : std::string();
  Json tags = Json::array({{{"key", kRunTag}, {"value", run.key}}});
  if (const std::string parent = parent_run(); !parent.empty()) {
    tags.push_back({{"key", "mlflow.parentRunId"}, {"value", parent}});
  }
  const auto made = client_.call("POST", "runs/create",
                                 {{"experiment_id", published_.experiment_id},
                                  {"user_id", user},
                                  {"run_name", run.name},
                                  {"start_time", run.start_ms},
                                  {"tags", tags}},
                                 {}, false);
  return made->at("run").at("info");
}

// A create whose answer was lost may have been carried out: the tag tells.
Json Publisher::find_or_create_run(const Run& run) {
  for (int attempt = 0;; ++attempt) {
    const Json found = find_run(run.key);
    if (!found.is_null()) return found;
    try {
      return create_run(run);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kIo || attempt >= kAttemptsToCreate || options_.last_words) {
        throw;
      }
    }
  }
}

void Publisher::send_run(const Run& run, const std::string& id) {
  for (const Json& body : batches(id, run.params, run.tags, run.metrics)) {
    client_.call("POST", "runs/log-batch", body);
  }
  Json update = {{"run_id", id}, {"status", run.status}};
  if (run.end_ms) update["end_time"] = *run.end_ms;
  client_.call("POST", "runs/update", update);
}

void Publisher::send_nested() {
  for (Run& run : nested_contents(document_)) {
    ++published_.nested;
    if (state_["nested"].contains(run.key)) continue;
    run.tags.push_back({{"key", "mlflow.parentRunId"}, {"value", published_.run_id}});
    const Json info = find_or_create_run(run);
    const std::string id = info.at("run_id").get<std::string>();
    send_run(run, id);
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

void Publisher::send_files(const RunFiles& files, const std::string& artifact_uri,
                           const std::string& prefix, const std::string& done_key) {
  for (const std::string& path : files.missing) published_.files_missing.push_back(path);
  Json& done = state_[done_key];
  const auto total = static_cast<int64_t>(files.files.size());
  int64_t count = 0;
  for (const RunFile& file : files.files) {
    context_.report("send files", count++, total, "files");
    if (done.contains(file.name) && done[file.name] == file.sha256) {
      ++published_.files_there;
      continue;
    }
    client_.put_artifact(artifact_uri, prefix + file.name, file.path);
    done[file.name] = file.sha256;
    ++published_.files_sent;
    write_state();
  }
  context_.report("send files", total, total, "files");
}

// False if the server knows no logged models (before 3.0).
bool Publisher::find_or_create_model(const std::string& name, const std::string& key,
                                     std::string& model_id, std::string& artifact_uri) {
  const auto found = client_.call("POST", "logged-models/search",
                                  {{"experiment_ids", {published_.experiment_id}},
                                   {"filter", fmt::format("tags.`{}` = '{}'", kRunTag, key)},
                                   {"max_results", 1}},
                                  {"ENDPOINT_NOT_FOUND"});
  if (!found) return false;
  Json info;
  if (found->contains("models") && !found->at("models").empty()) {
    info = found->at("models")[0].at("info");
  } else {
    const auto made = client_.call("POST", "logged-models",
                                   {{"experiment_id", published_.experiment_id},
                                    {"name", name},
                                    {"source_run_id", published_.run_id},
                                    {"tags", {{{"key", kRunTag}, {"value", key}}}}},
                                   {}, false);
    info = made->at("model").at("info");
  }
  model_id = info.at("model_id").get<std::string>();
  artifact_uri = info.at("artifact_uri").get<std::string>();
  return true;
}

// The server refuses an output that it has.
void Publisher::link_model(const std::string& model_id) {
  const auto run = client_.call("GET", "runs/get?run_id=" + published_.run_id);
  const Json::json_pointer place("/run/outputs/model_outputs");
  if (run->contains(place)) {
    for (const Json& output : run->at(place)) {
      if (output.value("model_id", "") == model_id) return;
    }
  }
  client_.call(
      "POST", "runs/outputs",
      {{"run_id", published_.run_id}, {"models", {{{"model_id", model_id}, {"step", 0}}}}});
}

// The figures of the model are found beside it, too, each with the data it was measured on.
void Publisher::link_model_metrics(const std::string& model_id) {
  const std::vector<Dataset> datasets = dataset_inputs(document_);
  Json metrics = Json::array();
  for (Json metric : run_content(document_).metrics) {
    const std::string key = metric["key"].get<std::string>();
    for (const Dataset& dataset : datasets) {
      if (!key.starts_with(dataset.role + "_")) continue;
      metric["model_id"] = model_id;
      metric["dataset_name"] = dataset.name;
      metric["dataset_digest"] = dataset.digest;
      metrics.push_back(metric);
    }
  }
  for (const Json& body : batches(published_.run_id, Json::array(), Json::array(), metrics)) {
    client_.call("POST", "runs/log-batch", body);
  }
}

void Publisher::finish_model(const std::string& model_id, const std::string& done_key) {
  if (state_.value(done_key, false)) return;
  client_.call("PATCH", "logged-models/" + model_id,
               {{"model_id", model_id}, {"status", "LOGGED_MODEL_READY"}});
  link_model(model_id);
  link_model_metrics(model_id);
  state_[done_key] = true;
  write_state();
}

void Publisher::send_position_model(const RunFiles& model, bool whole) {
  const RunFiles files = position_model_files(model);
  if (files.files.empty()) return;
  const std::string key = document_.run_id + ":by_position";
  std::string artifact_uri;
  find_or_create_model("by_position", key, published_.position_model_id, artifact_uri);
  send_files(files, artifact_uri, "", "position_model_files");
  if (whole) finish_model(published_.position_model_id, "position_model_ready");
}

// Not `whole`: its figures and its card come later.
void Publisher::send_model(bool whole) {
  const RunFiles files = model_files(document_);
  if (files.files.empty()) {
    for (const std::string& path : files.missing) published_.files_missing.push_back(path);
    return;
  }
  std::string artifact_uri;
  const std::string key = document_.run_id;
  const bool logged = find_or_create_model("model", key, published_.model_id, artifact_uri);
  if (!logged) artifact_uri = artifact_uri_;
  send_files(files, artifact_uri, logged ? "" : "model/", "model_files");
  if (logged) {
    if (whole) finish_model(published_.model_id, "model_ready");
    send_position_model(files, whole);
  }
  if (whole && !options_.register_model.empty()) {
    register_model(logged ? "models:/" + published_.model_id : artifact_uri + "/model");
  }
}

void Publisher::register_model(const std::string& source) {
  const std::string& name = options_.register_model;
  client_.call("POST", "registered-models/create", {{"name", name}}, {"RESOURCE_ALREADY_EXISTS"});
  const std::string filter = fmt::format("name='{}' and run_id='{}'", name, published_.run_id);
  const auto found = client_.call(
      "GET", "model-versions/search?max_results=1&filter=" + io::percent_encode(filter));
  Json version;
  if (found->contains("model_versions") && !found->at("model_versions").empty()) {
    version = found->at("model_versions")[0];
  } else {
    Json body = {{"name", name}, {"source", source}, {"run_id", published_.run_id}};
    if (!published_.model_id.empty()) body["model_id"] = published_.model_id;
    version = client_.call("POST", "model-versions/create", body, {}, false)->at("model_version");
  }
  const Json& number = version.at("version");
  published_.model_version = number.is_string() ? number.get<std::string>() : number.dump();
  if (options_.alias.empty()) return;
  client_.call("POST", "registered-models/alias",
               {{"name", name}, {"alias", options_.alias}, {"version", published_.model_version}});
}

Published Publisher::send() {
  find_experiment();
  Run run = run_content(document_);
  const Json info = find_or_create_run(run);
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
  send_run(run, published_.run_id);
  state_["metrics_sent"] = all;
  send_inputs();
  send_nested();
  if (status == "RUNNING") {
    send_files(output_files(document_, state_["files"]), artifact_uri_, "", "files");
    send_model(false);
    return published_;
  }

  // The end last: a run that the server shows as finished is whole.
  run.params = run.tags = run.metrics = Json::array();
  run.status = status;
  run.end_ms = end_ms;
  try {
    send_files(record_files(folder_), artifact_uri_, "", "files");
    send_files(output_files(document_, state_["files"]), artifact_uri_, "", "files");
    send_model(true);
  } catch (const Error&) {
    write_state();
    send_run(run, published_.run_id);  // its figures are there, whatever became of the files
    throw;
  }
  send_run(run, published_.run_id);
  write_state();
  return published_;
}

}  // namespace

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
  Client client(parse_tracking_uri(options.uri), http,
                options.last_words ? CancelToken() : context.cancel);
  try {
    return Publisher(document, folder, options, client, context).send();
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kFormat,
                fmt::format("the server's answer is not MLflow's: {}", error.what()), client.uri());
  }
}

std::string Published::run_url() const {
  return fmt::format("{}/#/experiments/{}/runs/{}", uri, experiment_id, run_id);
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

std::string tracking_uri_from_environment() {
  const char* value = std::getenv("MLFLOW_TRACKING_URI");
  const std::string uri = value ? value : "";
  return to_lower(uri).starts_with("http") ? uri : "";
}

}  // namespace lamella::mlflow
