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

struct ReportOptions {
  std::string path;  // "": none
  std::vector<std::string> slides;
};

int run_evaluate(const verbs::EvaluateFiles& files, const ReportOptions& report, Shell& shell) {
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
    object["differences"][class_name] = differences;
    text += text_of(class_name, differences);
  }
  if (!report.path.empty()) {
    report::write_report(
        report::evaluation_document(evaluation.all, evaluation.details,
                                    {files.scores, files.truth, files.groups_csv, report.slides}),
        "", report.path, shell.context());
    object["report"] = report.path;
    text += fmt::format("report: {}\n", report.path);
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
  auto report = std::make_shared<ReportOptions>();
  CLI::Option* path = app.add_option("--report", report->path,
                                     "also write a report for people: curves, tables, errors")
                          ->type_name("FILE.html");
  app.add_option("--slides", report->slides,
                 "slides named after their scores: the report shows the surest errors as pictures")
      ->needs(path)
      ->type_name("SLIDE");
  return [files, report](Shell& shell) { return run_evaluate(*files, *report, shell); };
}

}  // namespace lamella::cli
