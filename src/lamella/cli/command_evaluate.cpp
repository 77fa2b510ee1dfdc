// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/evaluation/class_metric_rows.h"
#include "lamella/report/html_report.h"
#include "lamella/report/run_report.h"
#include "lamella/verbs/evaluate_files.h"

namespace lamella::cli {

namespace {

nlohmann::json json_of(const evaluation::Differences& differences) {
  nlohmann::json object = {{"unit", differences.unit},
                           {"units", differences.units},
                           {"note", differences.note},
                           {"of", nlohmann::json::object()}};
  for (const auto& [name, one] : differences.of) {
    object["of"][name] = {{"value", one.value}};
    if (one.interval) {
      object["of"][name]["interval"] = {one.interval->low, one.interval->high};
    }
  }
  return object;
}

std::string text_of(const std::string& class_name, const evaluation::Differences& differences) {
  Table table({class_name + ": difference", "value", "95 % interval"});
  for (const auto& [name, one] : differences.of) {
    table.add({name, fmt::format("{:.4f}", one.value),
               one.interval ? fmt::format("{:.4f} to {:.4f}", one.interval->low, one.interval->high)
                            : "none"});
  }
  return fmt::format("\n{}{}: {}\n", table.text(),
                     differences.unit.empty()
                         ? "intervals"
                         : fmt::format("by {} {}", differences.units, differences.unit),
                     differences.note);
}

int run_evaluate(const verbs::EvaluateFiles& files, const std::string& report, Shell& shell) {
  const Stopwatch watch;
  const verbs::FilesEvaluation found = verbs::evaluate_files(files, {}, shell.context());
  const verbs::Evaluation& evaluation = found.evaluation;
  nlohmann::json object = evaluation.all;
  std::map<std::string, evaluation::ClassMetrics> sets = {{"all", evaluation.all}};
  for (const auto& [patient, metrics] : evaluation.patients) {
    object["groups"]["patient " + patient] = metrics;
    sets["patient " + patient] = metrics;
  }
  std::string text = metrics_text(sets);
  for (const auto& [class_name, differences] : found.differences) {
    object["differences"][class_name] = json_of(differences);
    text += text_of(class_name, differences);
  }
  if (!report.empty()) {
    report::write_report(report::evaluation_document(evaluation.all, evaluation.details,
                                                     {files.scores, files.truth, files.groups_csv}),
                         "", report, shell.context());
    object["report"] = report;
    text += fmt::format("report: {}\n", report);
  }
  add_rate(object, evaluation.all.n, watch.seconds());
  shell.print(object, text);
  return kDone;
}

}  // namespace

Action add_evaluate(CLI::App& app) {
  auto files = std::make_shared<verbs::EvaluateFiles>();
  app.add_option("--scores", files->scores,
                 "scores files, named after their slides; any program's with minx, miny and "
                 "prob_<Class> columns")
      ->required()
      ->type_name("SCORES.csv");
  app.add_option("--truth", files->truth,
                 "labels: plans, or tables with minx, miny, label (and slide_id where one table is "
                 "of several slides)")
      ->required()
      ->type_name("PLAN.h5|CSV");
  app.add_option("--groups", files->groups_csv,
                 "CSV slide_id,patient_id: also a line per patient, and intervals by patients")
      ->type_name("CSV");
  app.add_option("--against", files->against,
                 "scores of another run on the same rows: differences with paired intervals")
      ->type_name("SCORES.csv");
  app.add_option("--model", files->model,
                 "model whose thresholds, chosen on held-out training rows, are used")
      ->type_name("DIR");
  auto report = std::make_shared<std::string>();
  app.add_option("--report", *report, "also write a report for people: curves, tables, errors")
      ->type_name("FILE.html");
  return [files, report](Shell& shell) { return run_evaluate(*files, *report, shell); };
}

}  // namespace lamella::cli
