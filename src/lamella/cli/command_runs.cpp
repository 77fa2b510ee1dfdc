// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/study/reproduce.h"
#include "lamella/study/study_file.h"
#include "lamella/tracking/compare_runs.h"
#include "lamella/tracking/mlflow_publish.h"
#include "lamella/tracking/run_reader.h"

namespace lamella::cli {

namespace {

struct RunsOptions {
  std::string folder = "out";  // where ids are looked for
  std::string run, other;
  study::ReproduceOptions reproduce;
  study::TrackingOptions tracking;
  std::function<int(const RunsOptions&, Shell&)> action;
};

nlohmann::json pick(const nlohmann::json& document, const char* key) {
  return document.contains(key) ? document[key] : nlohmann::json();
}

nlohmann::json test_metric(const nlohmann::json& document, const char* key) {
  const nlohmann::json::json_pointer place(fmt::format("/metrics/test/{}", key));
  return document.contains(place) ? document[place] : nlohmann::json();
}

int list_runs(const RunsOptions& options, Shell& shell) {
  const tracking::FoundRuns found = tracking::find_runs(options.folder, shell.options().threads);
  nlohmann::json object = {{"runs", nlohmann::json::array()}, {"unreadable", found.unreadable}};
  Table table({"run", "study", "status", "started (UTC)", "test AUC", "folder"});
  for (const tracking::FoundRun& run : found.runs) {
    const nlohmann::json& document = run.document;
    const nlohmann::json auc = test_metric(document, "auc");
    object["runs"].push_back({{"run_id", document["run_id"]},
                              {"name", document["name"]},
                              {"status", document["status"]},
                              {"start_time", document["start_time"]},
                              {"end_time", pick(document, "end_time")},
                              {"metrics", pick(document, "metrics")},
                              {"run_dir", run.folder}});
    table.add({document["run_id"], document["name"], document["status"], document["start_time"],
               auc.is_number() ? fmt::format("{:.4f}", auc.get<double>()) : "", run.folder});
  }
  for (const std::string& fault : found.unreadable) shell.warn(fault);
  shell.print(object, table.text());
  return kDone;
}

std::string short_value(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int show_run(const RunsOptions& options, Shell& shell) {
  const std::string folder = tracking::find_run(options.run, options.folder);
  nlohmann::json document = tracking::read_run(folder);
  document["run_dir"] = folder;
  std::string text;
  const auto add = [&](const std::string& name, const nlohmann::json& value) {
    if (!value.is_null()) text += fmt::format("{:<12} {}\n", name, short_value(value));
  };
  for (const char* key : {"run_id", "name", "status", "start_time", "end_time", "error", "command",
                          "encoder", "software", "seeds"}) {
    add(key, pick(document, key));
  }
  const nlohmann::json metrics = pick(document, "metrics");
  for (const auto& [role, values] : metrics.items()) add(role, values);
  add("seconds", pick(document, "seconds"));
  Table inputs({"input", "slide", "bytes", "fingerprint", "path"});
  for (const nlohmann::json& item : pick(document, "inputs")) {
    inputs.add({item.value("kind", ""), item.value("slide_id", ""),
                item.contains("bytes") ? item["bytes"].dump() : "",
                item.value("fingerprint", item.value("error", "")).substr(0, 12),
                item.value("path", "")});
  }
  Table slides({"slide", "role", "status", "patches", "seconds"});
  for (const nlohmann::json& item : pick(document, "slides")) {
    slides.add({item.value("slide_id", ""), item.value("role", ""), item.value("status", ""),
                item.contains("patches") ? item["patches"].dump() : "",
                fmt::format("{:.1f}", item.value("seconds", 0.0))});
  }
  text += "\n" + inputs.text() + "\n" + slides.text();
  for (const nlohmann::json& warning : pick(document, "warnings")) {
    text += "warning: " + short_value(warning) + "\n";
  }
  shell.print(document, text + fmt::format("record: {}/run.json\n", folder));
  return kDone;
}

std::string lines(const std::string& title, const std::vector<tracking::Difference>& differences) {
  std::string text = differences.empty() ? "" : title + "\n";
  for (const auto& difference : differences) text += "  " + tracking::to_text(difference) + "\n";
  return text;
}

int compare_two(const RunsOptions& options, Shell& shell) {
  const nlohmann::json a = tracking::read_run(tracking::find_run(options.run, options.folder));
  const nlohmann::json b = tracking::read_run(tracking::find_run(options.other, options.folder));
  const tracking::Comparison comparison = tracking::compare_runs(a, b);
  std::vector<tracking::Difference> inputs, outputs;
  nlohmann::json object = {{"a", a["run_id"]},
                           {"b", b["run_id"]},
                           {"inputs_equal", comparison.inputs_equal()},
                           {"outputs_equal", comparison.outputs_equal()},
                           {"inputs", nlohmann::json::array()},
                           {"outputs", nlohmann::json::array()}};
  for (const tracking::Difference& difference : comparison.differences) {
    object[difference.is_input ? "inputs" : "outputs"].push_back(tracking::to_json(difference));
    (difference.is_input ? inputs : outputs).push_back(difference);
  }
  std::string text = lines("inputs that differ:", inputs) + lines("results that differ:", outputs);
  if (inputs.empty()) text = "inputs: identical\n" + text;
  if (outputs.empty()) text += "results: identical\n";
  shell.print(object, text);
  return kDone;
}

int reproduce(const RunsOptions& options, Shell& shell) {
  const std::string folder = tracking::find_run(options.run, options.folder);
  const study::Reproduction result =
      study::reproduce_run(folder, options.reproduce, shell.context());
  std::string text = lines("no longer as the run had it (nothing was computed):", result.changed);
  if (result.changed.empty()) {
    text += lines("software that differs:", result.software);
    text += result.identical()
                ? "identical: every result is the recorded one\n"
                : lines("results that differ, the first one first:", result.differences);
    text += fmt::format("record: {}/run.json\n", result.run_folder);
  }
  shell.print(study::to_json(result), text);
  return result.identical() ? kDone : kFailed;
}

// The server: --to, else the recorded study's, else MLFLOW_TRACKING_URI.
std::string server_of(const RunsOptions& options, const nlohmann::json& document) {
  if (!options.tracking.mlflow.value_or("").empty()) return *options.tracking.mlflow;
  // A recorded address has lost its credentials; MLflow's variables give them.
  const nlohmann::json::json_pointer place("/study/tracking/mlflow");
  if (document.contains(place) && document[place].is_string() && document[place] != "") {
    return document[place].get<std::string>();
  }
  const std::string uri = tracking::tracking_uri_from_environment();
  if (uri.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no MLflow server is named; give `mlflow` http://host:port or set "
                "MLFLOW_TRACKING_URI");
  }
  return uri;
}

int publish(const RunsOptions& options, Shell& shell) {
  const std::string folder = tracking::find_run(options.run, options.folder);
  const nlohmann::json document = tracking::read_run(folder);
  const tracking::PublishOptions publish{.uri = server_of(options, document),
                                         .register_model = options.tracking.register_model,
                                         .alias = options.tracking.alias};
  const tracking::Published sent =
      tracking::publish_run(document, folder, publish, shell.context());
  for (const std::string& path : sent.files_missing) {
    shell.warn(path + ": is gone or was overwritten by a later run; not sent");
  }
  shell.print(tracking::to_json(sent),
              fmt::format("{} files sent, {} were there\n{}{}\n", sent.files_sent, sent.files_there,
                          sent.model_version.empty()
                              ? ""
                              : fmt::format("registered: {} version {}\n", publish.register_model,
                                            sent.model_version),
                          sent.run_url()));
  return kDone;
}

CLI::App* add_part(CLI::App& app, const std::shared_ptr<RunsOptions>& options,
                   const std::string& name, const std::string& help, const std::string& example,
                   int (*action)(const RunsOptions&, Shell&)) {
  CLI::App* part = app.add_subcommand(name, help);
  part->fallthrough();
  part->footer(fmt::format("Example:\n  lamella runs {} {}", name, example));
  part->callback([options, action] { options->action = action; });
  return part;
}

void add_run_option(CLI::App* part, RunsOptions& options) {
  part->add_option("run", options.run, "id (or its beginning), or the run's folder")
      ->required()
      ->type_name("RUN");
  part->add_option("--in", options.folder, "folder beneath which ids are looked for")
      ->capture_default_str()
      ->type_name("DIR");
}

}  // namespace

Action add_runs(CLI::App& app) {
  auto options = std::make_shared<RunsOptions>();
  app.require_subcommand(1);
  add_part(app, options, "list", "all runs beneath a folder", "out", list_runs)
      ->add_option("folder", options->folder, "output folder of a study, or one that holds several")
      ->capture_default_str()
      ->type_name("DIR");
  add_run_option(add_part(app, options, "show", "one record", "20261125-1508 --in out", show_run),
                 *options);
  CLI::App* compare = add_part(app, options, "compare", "what differs, inputs before results",
                               "20261125-1508 20261126-0902 --in out", compare_two);
  add_run_option(compare, *options);
  compare->add_option("other", options->other, "the run to compare with")
      ->required()
      ->type_name("OTHER");
  CLI::App* again =
      add_part(app, options, "reproduce", "check every input, run again, compare the results",
               "out/runs/20261125-150812-1a2b3c --out again", reproduce);
  add_run_option(again, *options);
  again->add_option("--out", options->reproduce.output, "new folder for the results")
      ->type_name("DIR");
  again->add_flag("--recorded-options", options->reproduce.recorded_options,
                  "use the recorded options although the study file has changed");
  CLI::App* send = add_part(app, options, "publish", "send a record to an MLflow server",
                            "20261125-1508 --in out --to http://127.0.0.1:5000", publish);
  add_run_option(send, *options);
  add_flags(*send, options->tracking);
  send->add_option("--to", options->tracking.mlflow, "the same as --mlflow")->type_name("URI");
  return [options](Shell& shell) { return options->action(*options, shell); };
}

}  // namespace lamella::cli
