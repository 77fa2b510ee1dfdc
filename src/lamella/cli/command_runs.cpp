// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/base/json_text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/mlflow/publish.h"
#include "lamella/mlflow/tracking.h"
#include "lamella/record/compare_runs.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_reader.h"
#include "lamella/study/reproduce.h"

namespace lamella::cli {

namespace {

struct RunsOptions {
  std::string folder = "out";  // where ids are looked for
  std::string run, other;
  study::ReproduceOptions reproduce;
  mlflow::TrackingOptions tracking;
  std::function<int(const RunsOptions&, Shell&)> action;
};

int list_runs(const RunsOptions& options, Shell& shell) {
  const record::FoundRuns found = record::find_runs(options.folder, shell.options().threads);
  nlohmann::json object = {{"runs", nlohmann::json::array()}, {"unreadable", found.unreadable}};
  Table table({"run", "study", "status", "started (UTC)", "test AUC", "folder"});
  for (const record::FoundRun& run : found.runs) {
    const record::RunDocument& document = run.document;
    const std::string status(to_string(document.status));
    object["runs"].push_back(
        {{"run_id", document.run_id},
         {"name", document.name},
         {"status", status},
         {"start_time", document.start_time},
         {"end_time", json_or_null(document.end_time)},
         {"metrics",
          document.metrics.empty() ? nlohmann::json() : nlohmann::json(document.metrics)},
         {"run_dir", run.folder}});
    const auto test = document.metrics.find("test");
    const bool has_auc = test != document.metrics.end() && test->second.macro_auc;
    table.add({document.run_id, document.name, status, document.start_time,
               has_auc ? fmt::format("{:.4f}", *test->second.macro_auc) : "", run.folder});
  }
  for (const std::string& fault : found.unreadable) shell.warn(fault);
  shell.print(object, table.text());
  return kDone;
}

std::string line(const std::string& name, const nlohmann::json& value) {
  if (value.is_null() || (value.is_structured() && value.empty())) return "";
  return fmt::format("{:<12} {}\n", name,
                     value.is_string()
                         ? value.get<std::string>()
                         : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string facts_text(const record::RunDocument& run) {
  std::string text =
      line("run_id", run.run_id) + line("name", run.name) +
      line("status", std::string(to_string(run.status))) + line("start_time", run.start_time) +
      line("end_time", json_or_null(run.end_time)) + line("error", json_or_null(run.error)) +
      line("command", json_or_null(run.command)) + line("encoder", json_or_null(run.encoder)) +
      line("software", json_or_null(run.software)) + line("seeds", run.seeds);
  for (const auto& [role, metrics] : run.metrics) text += line(role, metrics);
  return text + line("seconds", run.times);
}

int show_run(const RunsOptions& options, Shell& shell) {
  const std::string folder = record::find_run(options.run, options.folder);
  const record::RunDocument run = record::read_run(folder);
  Table inputs({"input", "slide", "bytes", "fingerprint", "path"});
  for (const record::Input& input : run.inputs) {
    const std::string digest = input.fingerprint.value_or(input.error.value_or(""));
    inputs.add({input.kind, input.slide_id.value_or(""),
                input.bytes ? std::to_string(*input.bytes) : "", digest.substr(0, 12), input.path});
  }
  Table slides({"slide", "role", "status", "patches", "seconds"});
  for (const record::Outcome& slide : run.outcomes) {
    slides.add({slide.slide_id, slide.role, slide.status, std::to_string(slide.patches),
                fmt::format("{:.1f}", slide.seconds)});
  }
  std::string text = facts_text(run) + "\n" + inputs.text() + "\n" + slides.text();
  for (const std::string& warning : run.warnings) text += "warning: " + warning + "\n";
  nlohmann::json object = run;
  object["run_dir"] = folder;
  shell.print(object, text + fmt::format("record: {}/run.json\n", folder));
  return kDone;
}

int print_schema(const RunsOptions&, Shell& shell) {
  const nlohmann::ordered_json schema = record::run_schema();
  shell.print(nlohmann::json(schema), schema.dump(1) + "\n");
  return kDone;
}

std::string lines(const std::string& title, const std::vector<record::Difference>& differences) {
  std::string text = differences.empty() ? "" : title + "\n";
  for (const auto& difference : differences) text += "  " + record::to_text(difference) + "\n";
  return text;
}

int compare_two(const RunsOptions& options, Shell& shell) {
  const record::RunDocument a = record::read_run(record::find_run(options.run, options.folder));
  const record::RunDocument b = record::read_run(record::find_run(options.other, options.folder));
  const record::Comparison comparison = record::compare_runs(a, b);
  std::vector<record::Difference> inputs, outputs;
  nlohmann::json object = {{"a", a.run_id},
                           {"b", b.run_id},
                           {"inputs_equal", comparison.inputs_equal()},
                           {"outputs_equal", comparison.outputs_equal()},
                           {"inputs", nlohmann::json::array()},
                           {"outputs", nlohmann::json::array()}};
  for (const record::Difference& difference : comparison.differences) {
    object[difference.is_input ? "inputs" : "outputs"].push_back(record::to_json(difference));
    (difference.is_input ? inputs : outputs).push_back(difference);
  }
  std::string text = lines("inputs that differ:", inputs) + lines("results that differ:", outputs);
  if (inputs.empty()) text = "inputs: identical\n" + text;
  if (outputs.empty()) text += "results: identical\n";
  shell.print(object, text);
  return kDone;
}

int reproduce(const RunsOptions& options, Shell& shell) {
  const std::string folder = record::find_run(options.run, options.folder);
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
mlflow::PublishOptions server_of(const RunsOptions& options, const record::RunDocument& run) {
  mlflow::TrackingOptions tracking = options.tracking;
  if (tracking.mlflow.value_or("").empty()) tracking.mlflow.reset();
  // A recorded address has lost its credentials; MLflow's variables give them.
  if (!tracking.mlflow && !run.server.empty()) tracking.mlflow = run.server;
  mlflow::PublishOptions publish = mlflow::publish_options(
      tracking, {}, [](const std::string& why) { throw Error(ErrorCode::kInvalidArgument, why); });
  if (publish.uri.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "no MLflow server is named; give `mlflow` http://host:port or set "
                "MLFLOW_TRACKING_URI");
  }
  return publish;
}

int publish(const RunsOptions& options, Shell& shell) {
  const std::string folder = record::find_run(options.run, options.folder);
  record::RunDocument run = record::read_run(folder);
  run.placement =
      mlflow::placement_again(options.tracking, run.placement.value_or(record::Placement{}));
  const mlflow::PublishOptions publish = server_of(options, run);
  const mlflow::Published sent = mlflow::publish_run(run, folder, publish, shell.context());
  for (const std::string& path : sent.files_missing) {
    shell.warn(path + ": is gone or was overwritten by a later run; not sent");
  }
  shell.print(mlflow::to_json(sent),
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
  add_part(app, options, "schema", "JSON Schema of a record (run.json)", "> run.schema.json",
           print_schema);
  CLI::App* send = add_part(app, options, "publish", "send a record to an MLflow server",
                            "20261125-1508 --in out --to http://127.0.0.1:5000", publish);
  add_run_option(send, *options);
  add_flags(*send, options->tracking);
  send->add_option("--to", options->tracking.mlflow, "the same as --mlflow")->type_name("URI");
  return [options](Shell& shell) { return options->action(*options, shell); };
}

}  // namespace lamella::cli
