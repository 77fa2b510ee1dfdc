// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/verbs/evaluate_files.h"

namespace lamella::cli {

namespace {

struct EvaluateOptions {
  std::vector<std::string> scores;
  std::vector<std::string> truth;
  std::string groups;
};

int run_evaluate(const EvaluateOptions& options, Shell& shell) {
  const Stopwatch watch;
  std::vector<std::string> notes;
  const auto metrics = verbs::evaluate_files(options.scores, options.truth, options.groups, &notes);
  for (const std::string& note : notes) shell.warn(note);
  nlohmann::json object = metrics.at("all");
  if (!options.groups.empty()) {
    for (const auto& [name, value] : metrics) {
      if (name != "all") object["groups"][name] = value;
    }
  }
  add_rate(object, metrics.at("all").n, watch.seconds());
  shell.print(object, metrics_text(metrics));
  return kDone;
}

}  // namespace

Action add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateOptions>();
  app.add_option("--scores", options->scores, "scores files, named after their slides")
      ->required()
      ->type_name("SCORES.csv");
  app.add_option("--truth", options->truth, "plans with labels")->required()->type_name("PLAN.h5");
  app.add_option("--groups", options->groups, "CSV slide_id,patient_id: also a line per patient")
      ->type_name("CSV");
  return [options](Shell& shell) { return run_evaluate(*options, shell); };
}

}  // namespace lamella::cli
