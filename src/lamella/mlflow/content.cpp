// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "lamella/base/hash.h"
#include "lamella/mlflow/content_internal.h"

namespace lamella::mlflow {

using Json = nlohmann::json;

namespace {

constexpr size_t kMaxMetrics = 1000;
constexpr size_t kMaxParams = 100;
constexpr size_t kMaxTags = 100;
constexpr size_t kMaxItems = 1000;
constexpr size_t kMaxBytes = 900'000;  // of 1 MB, for what is around the items
constexpr size_t kDigestCharacters = 32;
constexpr size_t kMaxDatasetName = 400;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add(Json& list, const std::string& key, const Json& value, size_t characters) {
  if (value.is_null()) return;
  list.push_back({{"key", valid_key(key)}, {"value", cut(text_of(value), characters)}});
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

Json run_params(const record::RunDocument& document) {
  Json params = Json::array();
  for (const auto& [key, value] : document.options.items()) {
    if (key != "name" && key != "tracking") flatten(key, value, params);
  }
  const auto param = [&](const char* name, const Json& value) {
    add(params, name, value, kMaxParamCharacters);
  };
  if (document.encoder) {
    param("encoder.sha256", document.encoder->sha256);
    // "encoder.precision" is what was asked for; this is what was run.
    param("encoder.precision_run", document.encoder->precision);
    param("encoder.dimension", document.encoder->dimension);
  }
  if (document.command) param("threads", document.command->threads);
  if (document.training) {
    param("training.lambda", document.training->lambda);
    param("training.folds", document.training->folds);
    param("training.classes", document.training->classes);
    param("training.class_rows", document.training->class_rows);
  }
  return params;
}

Json run_tags(const record::RunDocument& document) {
  Json tags = Json::array();
  const auto tag = [&](const char* key, const std::string& value) {
    if (!value.empty()) add(tags, key, value, kMaxTagCharacters);
  };
  const record::Software software = document.software.value_or(record::Software{});
  const record::Caller caller = document.caller.value_or(record::Caller{});
  tag(kRunTag, document.run_id);
  tag("mlflow.user", caller.user);
  tag("mlflow.source.type", "LOCAL");
  tag("mlflow.source.name",
      "lamella run " + (document.command ? document.command->study : std::string()));
  if (caller.source) {
    tag("mlflow.source.git.commit", caller.source->commit);
    tag("mlflow.source.git.branch", caller.source->branch);
    tag("mlflow.source.git.repoURL", caller.source->repository);
    tag("mlflow.source.git.dirty", caller.source->changed ? "true" : "false");
  }
  tag("lamella.version", software.lamella);
  tag("lamella.git_commit", software.git_commit);
  tag("lamella.host", caller.host);
  tag("lamella.error", document.error.value_or(""));
  if (document.trial_of) tag("lamella.search", document.trial_of->search);
  if (document.search) tag("lamella.chosen", document.search->chosen);
  tag("lamella.warnings", std::to_string(document.warnings.size()));
  tag("lamella.model_sha256", document.training ? document.training->model_sha256 : "");
  return tags;
}

Json metric(const std::string& key, double value, int64_t time_ms, int64_t step) {
  return {{"key", valid_key(key)}, {"value", value}, {"timestamp", time_ms}, {"step", step}};
}

// "slide_score/T045": two ids stay two.
std::string slide_key(const std::string& figure, const std::string& slide_id) {
  constexpr size_t kHashCharacters = 8;
  const std::string key = figure + "/" + slide_id;
  return valid_key(key) == key ? key : key + "_" + sha256_hex(slide_id).substr(0, kHashCharacters);
}

bool is_of_slide(const record::Measure& item, const record::RunDocument& document) {
  return item.key.starts_with("slide_") && item.step >= 0 &&
         item.step < static_cast<int64_t>(document.outcomes.size());
}

// The path of the penalty is the nested runs'; the run itself has the loss of the one chosen, once
// all are there.
std::optional<double> chosen_loss(const record::RunDocument& document, int64_t step) {
  if (!document.training) return {};
  const std::vector<record::Trial>& trials = document.training->trials;
  if (step + 1 != static_cast<int64_t>(trials.size())) return {};
  for (const record::Trial& trial : trials) {
    if (trial.lambda == document.training->lambda) return trial.mean_log_loss;
  }
  return {};
}

Json run_metrics(const record::RunDocument& document) {
  Json metrics = Json::array();
  for (const record::Measure& item : document.history) {
    if (item.key == "cv_lambda") continue;
    if (item.key == "cv_log_loss") {
      const auto loss = chosen_loss(document, item.step);
      if (loss) metrics.push_back(metric(item.key, *loss, item.time_ms, 0));
    } else if (is_of_slide(item, document)) {
      const std::string& id = document.outcomes[static_cast<size_t>(item.step)].slide_id;
      metrics.push_back(metric(slide_key(item.key, id), item.value, item.time_ms, 0));
    } else {
      metrics.push_back(metric(item.key, item.value, item.time_ms, item.step));
    }
  }
  return metrics;
}

}  // namespace

std::string valid_key(const std::string& name) {
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

Run run_content(const record::RunDocument& document) {
  Run run;
  run.key = document.run_id;
  run.name = document.placement && !document.placement->run_name.empty()
                 ? document.placement->run_name
                 : run.key;
  run.status = to_string(document.status);
  run.start_ms = document.start_time_ms;
  run.end_ms = document.end_time_ms;
  run.params = run_params(document);
  run.tags = run_tags(document);
  run.metrics = run_metrics(document);
  return run;
}

std::vector<Run> nested_contents(const record::RunDocument& document) {
  if (!document.training || document.training->trials.empty()) return {};
  const std::vector<record::Trial>& trials = document.training->trials;
  std::vector<int64_t> times;
  for (const record::Measure& item : document.history) {
    if (item.key == "cv_log_loss") times.push_back(item.time_ms);
  }
  const size_t folds = trials[0].fold_log_loss.size();
  const bool whole = std::all_of(trials.begin(), trials.end(), [&](const record::Trial& trial) {
    return trial.fold_log_loss.size() == folds;
  });
  if (times.size() != trials.size() || !whole) return {};
  std::vector<Run> runs(1 + folds);
  for (size_t k = 0; k < runs.size(); ++k) {
    Run& run = runs[k];
    run.name = k == 0 ? "lambda path" : fmt::format("fold {}", k);
    run.key = k == 0 ? document.run_id + ":lambda" : fmt::format("{}:fold{}", document.run_id, k);
    run.status = "FINISHED";
    run.start_ms = times.front();
    run.end_ms = times.back();
    add(run.tags, kRunTag, run.key, kMaxTagCharacters);
    if (k > 0) add(run.params, "fold", k, kMaxParamCharacters);
    for (size_t step = 0; step < trials.size(); ++step) {
      const record::Trial& trial = trials[step];
      const double loss = k == 0 ? trial.mean_log_loss : trial.fold_log_loss[k - 1];
      run.metrics.push_back(
          metric("lambda", trial.lambda, times[step], static_cast<int64_t>(step)));
      run.metrics.push_back(metric("log_loss", loss, times[step], static_cast<int64_t>(step)));
    }
  }
  return runs;
}

std::vector<Dataset> dataset_inputs(const record::RunDocument& document) {
  std::vector<Dataset> datasets;
  const Json source = {{"uri", slides_table_of(document)}};
  for (const auto& [role, cohort] : document.split) {
    const Json profile = {{"slides", cohort.slides.size()}, {"patients", cohort.patients.size()}};
    Dataset dataset{role,
                    cut(document.name, kMaxDatasetName) + " " + role,
                    cohort.digest.substr(0, kDigestCharacters),
                    {}};
    dataset.input = {{"tags", {{{"key", "mlflow.data.context"}, {"value", role}}}},
                     {"dataset",
                      {{"name", dataset.name},
                       {"digest", dataset.digest},
                       {"source_type", "local"},
                       {"source", source.dump(-1, ' ', false, Json::error_handler_t::replace)},
                       {"profile", profile.dump()}}}};
    datasets.push_back(std::move(dataset));
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

}  // namespace lamella::mlflow
