// SPDX-License-Identifier: Apache-2.0
// Logged models, the model registry, and what is written for people about both.
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/net/url.h"
#include "lamella/mlflow/publisher_internal.h"

namespace lamella::mlflow {

using Json = nlohmann::json;

namespace {

// The registry's own limit; a tag of a run takes as much.
constexpr size_t kDescriptionCharacters = 5000;

// Whole paragraphs of the card.
std::string description_of(const std::string& card) {
  constexpr const char* kRest = "\n\n… the rest is in the model's `README.md`\n";
  if (cut(card, kDescriptionCharacters) == card) return card;
  const std::string some = cut(card, kDescriptionCharacters - std::string(kRest).size());
  return some.substr(0, std::min(some.size(), some.rfind("\n\n"))) + kRest;
}

}  // namespace

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
  describe_model(model_id);
  state_[done_key] = true;
  write_state();
}

void Publisher::describe_model(const std::string& model_id) {
  if (card_.empty()) return;
  const auto model = client_.call("GET", "logged-models/" + model_id);
  const Json::json_pointer tags("/model/info/tags");
  if (model->contains(tags)) {
    for (const Json& tag : model->at(tags)) {
      if (tag.value("key", "") == kNoteTag) return;  // somebody's own, or ours
    }
  }
  client_.call("PATCH", "logged-models/" + model_id + "/tags",
               {{"model_id", model_id}, {"tags", {{{"key", kNoteTag}, {"value", card_}}}}});
}

// The model's id, "" if the server knows no logged models.
std::string Publisher::send_logged(const std::string& name, RunFiles files, bool whole) {
  const bool by_position = name == "by_position";
  std::string model_id, artifact_uri;
  const std::string key = document_.run_id + (by_position ? ":by_position" : "");
  if (!find_or_create_model(name, key, model_id, artifact_uri)) return "";
  complete_mlmodel(files, {published_.run_id, model_id, artifact_uri, document_.start_time_ms});
  const std::string state_key = by_position ? "position_model" : "model";
  send_files(files, {artifact_uri, model_id}, state_key + "_files");
  if (whole) finish_model(model_id, state_key + "_ready");
  return model_id;
}

// Before MLflow 3 a model is a folder of its run.
void Publisher::send_to_run(const RunFiles& model, bool whole) {
  const bool all = is_wanted(document_, "by_position");
  if (!all && !is_wanted(document_, "model")) return;
  RunFiles files = all ? model : network_model_files(model);
  complete_mlmodel(files, {published_.run_id, "", "model", document_.start_time_ms});
  send_files(files, {artifact_uri_, "", "model/"}, "model_files");
  if (whole && !options_.register_model.empty()) register_model(artifact_uri_ + "/model", "");
}

// Not `whole`: its figures and its card come later.
void Publisher::send_model(bool whole) {
  const RunFiles model = model_files(document_);
  if (model.files.empty()) {
    for (const std::string& path : model.missing) published_.files_missing.push_back(path);
    return;
  }
  if (whole) card_ = description_of(card_of(model));
  const RunFiles network = network_model_files(model), positions = position_model_files(model);
  bool logged = true;
  if (is_wanted(document_, "model") && !network.files.empty()) {
    published_.model_id = send_logged("model", network, whole);
    logged = !published_.model_id.empty();
  }
  if (logged && is_wanted(document_, "by_position") && !positions.files.empty()) {
    published_.position_model_id = send_logged("by_position", positions, whole);
    logged = !published_.position_model_id.empty();
  }
  if (!logged) send_to_run(model, whole);
  if (!whole) return;
  describe_run();
  const std::string id =
      published_.model_id.empty() ? published_.position_model_id : published_.model_id;
  if (!options_.register_model.empty() && !id.empty()) register_model("models:/" + id, id);
}

Json Publisher::find_or_create_version(const std::string& source, const std::string& model_id) {
  const std::string& name = options_.register_model;
  const std::string filter = fmt::format("name='{}' and run_id='{}'", name, published_.run_id);
  const auto found = client_.call(
      "GET", "model-versions/search?max_results=1&filter=" + io::percent_encode(filter));
  if (found->contains("model_versions") && !found->at("model_versions").empty()) {
    return found->at("model_versions")[0];
  }
  Json body = {
      {"name", name}, {"source", source}, {"run_id", published_.run_id}, {"description", card_}};
  if (!model_id.empty()) body["model_id"] = model_id;
  return client_.call("POST", "model-versions/create", body, {}, false)->at("model_version");
}

void Publisher::register_model(const std::string& source, const std::string& model_id) {
  const std::string& name = options_.register_model;
  if (client_.is_workspace() && name.find('.') != std::string::npos) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("'{0}' is a name of Unity Catalog, whose registry lamella does not "
                            "speak to; the model is logged: register it with MLflow's own client, "
                            "mlflow.register_model('{1}', '{0}')",
                            name, source),
                client_.uri());
  }
  client_.call("POST", "registered-models/create", {{"name", name}, {"description", card_}},
               {"RESOURCE_ALREADY_EXISTS"});
  const Json version = find_or_create_version(source, model_id);
  const Json& number = version.at("version");
  published_.model_version = number.is_string() ? number.get<std::string>() : number.dump();
  if (!card_.empty() && version.value("description", "").empty()) {
    client_.call("PATCH", "model-versions/update",
                 {{"name", name}, {"version", published_.model_version}, {"description", card_}});
  }
  if (options_.alias.empty()) return;
  client_.call("POST", "registered-models/alias",
               {{"name", name}, {"alias", options_.alias}, {"version", published_.model_version}});
}

}  // namespace lamella::mlflow
