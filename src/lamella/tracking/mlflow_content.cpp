// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "lamella/base/hash.h"
#include "lamella/base/json_text.h"
#include "lamella/tracking/mlflow_content_internal.h"

namespace lamella::tracking {

using Json = nlohmann::json;

namespace {

constexpr size_t kMaxMetrics = 1000;
constexpr size_t kMaxParams = 100;
constexpr size_t kMaxTags = 100;
constexpr size_t kMaxItems = 1000;
constexpr size_t kMaxBytes = 900'000;  // of 1 MB, for what is around the items
constexpr size_t kDigestCharacters = 32;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add(Json& list, const std::string& key, const Json& value, size_t characters) {
  if (value.is_null()) return;
  list.push_back({{"key", mlflow_key(key)}, {"value", cut(text_of(value), characters)}});
}

// "a.b.0.c" for every leaf; a list of plain values is one leaf.
void flatten(const std::string& name, const Json& value, Json& params) {
  const bool plain_list =
      value.is_array() && std::none_of(value.begin(), value.end(),
                                       [](const Json& item) { return item.is_structured(); });
  if (value.is_object() || (value.is_array() && !plain_list)) {
    size_t index = 0;
    for (const auto& [key, item] : value.items()) {
      flatten(name + "." + (value.is_object() ? key : std::to_string(index++)), item, params);
    }
  } else if (!plain_list || !value.empty()) {
    add(params, name, value, kMaxParamCharacters);
  }
}

Json part(const Json& document, const char* key) {
  return document.contains(key) ? document[key] : Json::object();
}

Json run_params(const Json& document) {
  Json params = Json::array();
  const Json study = part(document, "study");
  for (const auto& [key, value] : study.items()) {
    if (key != "name" && key != "tracking") flatten(key, value, params);
  }
  const Json encoder = part(document, "encoder");
  for (const char* key : {"sha256", "precision", "dimension"}) {
    // "encoder.precision" is what was asked for; this is what was run.
    const std::string name =
        std::string(key) == "precision" ? "encoder.precision_run" : fmt::format("encoder.{}", key);
    if (encoder.contains(key)) add(params, name, encoder[key], kMaxParamCharacters);
  }
  const Json command = part(document, "command");
  if (command.contains("threads")) add(params, "threads", command["threads"], kMaxParamCharacters);
  const Json training = part(document, "training");
  for (const char* key : {"lambda", "folds", "classes", "class_rows"}) {
    if (training.contains(key)) {
      add(params, fmt::format("training.{}", key), training[key], kMaxParamCharacters);
    }
  }
  return params;
}

Json run_tags(const Json& document) {
  Json tags = Json::array();
  const auto tag = [&](const char* key, const Json& value) {
    if (!value.is_string() || !value.get_ref<const std::string&>().empty()) {
      add(tags, key, value, kMaxTagCharacters);
    }
  };
  const Json software = part(document, "software");
  const Json caller = part(document, "caller");
  const Json command = part(document, "command");
  tag(kRunTag, document["run_id"]);
  tag("mlflow.user", caller.value("user", ""));
  tag("mlflow.source.type", "LOCAL");
  tag("mlflow.source.name", "lamella run " + command.value("study", ""));
  tag("mlflow.source.git.commit", software.value("git_commit", ""));
  tag("lamella.version", software.value("lamella", ""));
  tag("lamella.host", caller.value("host", ""));
  tag("lamella.error", document.value("error", ""));
  tag("lamella.warnings", std::to_string(document["warnings"].size()));
  tag("lamella.model_sha256", part(document, "training").value("model_sha256", ""));
  return tags;
}

Json metric(const std::string& key, const Json& value, const Json& time_ms, const Json& step) {
  return {{"key", mlflow_key(key)}, {"value", value}, {"timestamp", time_ms}, {"step", step}};
}

}  // namespace

std::string mlflow_key(const std::string& name) {
  std::string key;
  for (const char c : name) {
    const bool fits = static_cast<unsigned char>(c) >= 0x80 ||
                      std::isalnum(static_cast<unsigned char>(c)) ||
                      std::string_view("_-. :/").find(c) != std::string_view::npos;
    key += fits ? c : '_';
  }
  // MLflow takes keys for paths, and only such as are in their shortest form.
  for (size_t at; (at = key.find("//")) != std::string::npos;) key.erase(at, 1);
  while (key.starts_with('/') || key.starts_with('.')) key[0] = '_';
  while (key.ends_with('/')) key.pop_back();
  for (size_t at; (at = key.find("/.")) != std::string::npos;) key[at + 1] = '_';
  if (key.empty()) return "_";
  constexpr size_t kHashCharacters = 8;
  const std::string shorter = cut(key, kMaxKeyCharacters - kHashCharacters - 1);
  if (cut(key, kMaxKeyCharacters) == key) return key;
  // Two long keys stay two.
  return shorter.substr(0, shorter.size() - std::string("…").size()) + "_" +
         sha256_hex(key).substr(0, kHashCharacters);
}

std::string cut(const std::string& text, size_t characters) {
  size_t seen = 0;
  size_t last = 0;  // where the last character that would still fit before "…" begins
  for (size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    if (++seen == characters) last = i;
    if (seen > characters) return text.substr(0, last) + "…";
  }
  return text;
}

MlflowRun run_content(const Json& document) {
  MlflowRun run;
  run.key = document["run_id"].get<std::string>();
  run.name = run.key;
  run.status = document["status"].get<std::string>();
  if (document.contains("start_time_ms")) {
    run.start_ms = json_whole<int64_t>(document["start_time_ms"]);
  }
  if (document.contains("end_time_ms")) run.end_ms = json_whole<int64_t>(document["end_time_ms"]);
  run.params = run_params(document);
  run.tags = run_tags(document);
  const Json history = part(document, "history");
  for (const Json& item : history) {
    run.metrics.push_back(metric(item["key"], item["value"], item["time_ms"], item["step"]));
  }
  return run;
}

std::vector<MlflowRun> nested_contents(const Json& document) {
  const Json training = part(document, "training");
  if (!training.contains("trials") || training["trials"].empty()) return {};
  const std::string parent = document["run_id"].get<std::string>();
  std::vector<int64_t> times;
  const Json history = part(document, "history");
  for (const Json& item : history) {
    if (item["key"] == "cv_log_loss") times.push_back(json_whole<int64_t>(item["time_ms"]));
  }
  const Json& trials = training["trials"];
  if (times.size() != trials.size()) return {};
  std::vector<MlflowRun> runs(1 + trials[0]["fold_log_loss"].size());
  for (size_t k = 0; k < runs.size(); ++k) {
    MlflowRun& run = runs[k];
    run.name = k == 0 ? "lambda path" : fmt::format("fold {}", k);
    run.key = k == 0 ? parent + ":lambda" : fmt::format("{}:fold{}", parent, k);
    run.status = "FINISHED";
    run.start_ms = times.front();
    run.end_ms = times.back();
    add(run.tags, kRunTag, run.key, kMaxTagCharacters);
    if (k > 0) add(run.params, "fold", k, kMaxParamCharacters);
    for (size_t step = 0; step < trials.size(); ++step) {
      const Json& trial = trials[step];
      run.metrics.push_back(metric("lambda", trial["lambda"], times[step], step));
      run.metrics.push_back(metric("log_loss",
                                   k == 0 ? trial["mean_log_loss"] : trial["fold_log_loss"][k - 1],
                                   times[step], step));
    }
  }
  return runs;
}

Json dataset_inputs(const Json& document) {
  Json datasets = Json::array();
  const Json split = part(document, "split");
  for (const auto& [role, cohort] : split.items()) {
    const Json source = {{"uri", part(document, "study")["slides"]["table"]}};
    const Json profile = {{"slides", cohort["slides"].size()},
                          {"patients", cohort["patients"].size()}};
    datasets.push_back(
        {{"tags", {{{"key", "mlflow.data.context"}, {"value", role}}}},
         {"dataset",
          {{"name", cut(document["name"].get<std::string>(), 400) + " " + role},
           {"digest", cohort["digest"].get<std::string>().substr(0, kDigestCharacters)},
           {"source_type", "local"},
           {"source", source.dump(-1, ' ', false, Json::error_handler_t::replace)},
           {"profile", profile.dump()}}}});
  }
  return datasets;
}

std::vector<Json> batches(const std::string& run_id, const Json& params, const Json& tags,
                          const Json& metrics) {
  std::vector<Json> result;
  size_t bytes = 0, items = 0;
  const auto take = [&](const char* kind, const Json& list, size_t limit) {
    for (const Json& item : list) {
      const size_t size = item.dump(-1, ' ', false, Json::error_handler_t::replace).size() + 1;
      const bool full = result.empty() || items >= kMaxItems || bytes + size > kMaxBytes ||
                        (result.back().contains(kind) && result.back()[kind].size() >= limit);
      if (full) {
        result.push_back({{"run_id", run_id}});
        bytes = items = 0;
      }
      result.back()[kind].push_back(item);
      bytes += size;
      ++items;
    }
  };
  take("params", params, kMaxParams);
  take("tags", tags, kMaxTags);
  take("metrics", metrics, kMaxMetrics);
  return result;
}

}  // namespace lamella::tracking
