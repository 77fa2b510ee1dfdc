// SPDX-License-Identifier: Apache-2.0
// Which experiment and run of the server a record belongs to.
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/io/net/url.h"
#include "lamella/mlflow/publisher_internal.h"

namespace lamella::mlflow {

using Json = nlohmann::json;

namespace {

constexpr int kAttemptsToCreate = 4;

std::string tag_of(const Json& run, const std::string& key) {
  const Json::json_pointer tags("/data/tags");
  if (!run.contains(tags)) return "";
  for (const Json& tag : run.at(tags)) {
    if (tag.value("key", "") == key) return tag.value("value", "");
  }
  return "";
}

bool is_deleted(const Json& item) { return item.value("lifecycle_stage", "active") != "active"; }

Error deleted_experiment(const std::string& name, const std::string& uri) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the experiment '{}' is deleted on the server; restore it there (mlflow "
                      "experiments restore), or give the study another name",
                      name),
          uri};
}

}  // namespace

Json Publisher::run_at_server(const std::string& run_id) {
  const auto found = client_.call("GET", "runs/get?run_id=" + io::percent_encode(run_id), {},
                                  {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"});
  return found ? found->at("run") : Json();
}

Json Publisher::named_run(const std::string& run_id, const std::string& what) {
  Json run = run_at_server(run_id);
  if (run.is_null() || is_deleted(run.at("info"))) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the run {} ({}) is {} the server; {}", run_id, what,
                            run.is_null() ? "not on" : "deleted on",
                            run.is_null() ? "give one of this server, or none"
                                          : "restore it there (mlflow runs restore), or give none"),
                client_.uri());
  }
  return run;
}

// The names of a workspace's experiments are paths in it.
std::string Publisher::experiment_name() {
  const std::string name = placement_.experiment.empty() ? document_.name : placement_.experiment;
  if (!client_.is_workspace() || name.starts_with('/')) return name;
  return fmt::format("/Users/{}/{}", client_.workspace_user(), name);
}

std::string Publisher::find_by_id(const std::string& experiment_id) {
  const auto found =
      client_.call("GET", "experiments/get?experiment_id=" + io::percent_encode(experiment_id), {},
                   {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"});
  if (!found) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the experiment {} (MLFLOW_EXPERIMENT_ID) is not on the server; give "
                            "one of this server, or none",
                            experiment_id),
                client_.uri());
  }
  const Json& experiment = found->at("experiment");
  if (is_deleted(experiment)) throw deleted_experiment(experiment.value("name", ""), client_.uri());
  return experiment.at("experiment_id").get<std::string>();
}

std::string Publisher::find_by_name(const std::string& name) {
  const std::string path = "experiments/get-by-name?experiment_name=" + io::percent_encode(name);
  for (int attempt = 0;; ++attempt) {
    const auto found = client_.call("GET", path, {}, {"RESOURCE_DOES_NOT_EXIST"});
    if (found) {
      const Json& experiment = found->at("experiment");
      if (is_deleted(experiment)) throw deleted_experiment(name, client_.uri());
      return experiment.at("experiment_id").get<std::string>();
    }
    if (attempt >= kAttemptsToCreate) break;
    // Somebody else may create it at the same time.
    client_.call("POST", "experiments/create", {{"name", name}}, {"RESOURCE_ALREADY_EXISTS"});
  }
  throw Error(ErrorCode::kFormat,
              fmt::format("the experiment '{}' was created and is not there", name), client_.uri());
}

void Publisher::find_experiment() {
  // Where it is already it stays.
  const std::string before = state_.value("run_id", "");
  const Json there = before.empty() ? Json() : run_at_server(before);
  if (!there.is_null() && !is_deleted(there.at("info"))) {
    published_.experiment_id = there.at("info").at("experiment_id").get<std::string>();
  }
  if (!placement_.mlflow_run_id.empty()) {
    target_ =
        named_run(placement_.mlflow_run_id,
                  placement_.ended_by_caller ? "active in the calling process" : "MLFLOW_RUN_ID");
  } else if (!placement_.parent_run_id.empty()) {
    target_ = named_run(placement_.parent_run_id, "the parent");
  }
  if (!published_.experiment_id.empty()) return;
  if (!target_.is_null()) {
    published_.experiment_id = target_.at("info").at("experiment_id").get<std::string>();
  } else {
    published_.experiment_id = placement_.experiment_id.empty()
                                   ? find_by_name(experiment_name())
                                   : find_by_id(placement_.experiment_id);
  }
}

Json Publisher::create_run(const Run& run, const std::string& parent_id) {
  const std::string user = document_.caller ? document_.caller->user : std::string();
  Json tags = Json::array({{{"key", kRunTag}, {"value", run.key}}});
  if (!parent_id.empty()) tags.push_back({{"key", "mlflow.parentRunId"}, {"value", parent_id}});
  const auto made = client_.call("POST", "runs/create",
                                 {{"experiment_id", published_.experiment_id},
                                  {"user_id", user},
                                  {"run_name", run.name},
                                  {"start_time", run.start_ms},
                                  {"tags", tags}},
                                 {}, false);
  return made->at("run").at("info");
}

Json Publisher::find_run(const std::string& key) {
  const auto found = client_.call("POST", "runs/search",
                                  {{"experiment_ids", {published_.experiment_id}},
                                   {"filter", fmt::format("tags.`{}` = '{}'", kRunTag, key)},
                                   {"max_results", 1}});
  if (!found->contains("runs") || found->at("runs").empty()) return {};
  return found->at("runs")[0].at("info");
}

// A create whose answer was lost may have been carried out: the tag tells.
Json Publisher::find_or_create_run(const Run& run, const std::string& parent_id) {
  for (int attempt = 0;; ++attempt) {
    if (Json info = find_run(run.key); !info.is_null()) return info;
    try {
      return create_run(run, parent_id);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kIo || attempt >= kAttemptsToCreate || options_.last_words) {
        throw;
      }
    }
  }
}

// A run that is named is filled in, unless another record has filled it before: then this one is
// nested in it, as is one whose parent is named.
Json Publisher::find_main_run(const Run& run) {
  if (target_.is_null()) return find_or_create_run(run, "");
  const std::string id = target_.at("info").at("run_id").get<std::string>();
  const std::string holder = tag_of(target_, kRunTag);
  adopted_ = !placement_.mlflow_run_id.empty() && (holder.empty() || holder == run.key);
  if (!adopted_) return find_or_create_run(run, id);
  if (holder.empty()) {
    client_.call("POST", "runs/set-tag", {{"run_id", id}, {"key", kRunTag}, {"value", run.key}});
  }
  return target_.at("info");
}

void Publisher::describe_run() {
  if (card_.empty() || state_.value("described", false)) return;
  const Json run = run_at_server(published_.run_id);
  // What somebody wrote there himself stays.
  if (tag_of(run, kNoteTag).empty()) {
    client_.call("POST", "runs/set-tag",
                 {{"run_id", published_.run_id}, {"key", kNoteTag}, {"value", card_}});
  }
  state_["described"] = true;
}

}  // namespace lamella::mlflow
