// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "lamella/cli/commands.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/search/search_study.h"

namespace lamella::cli {

namespace {

struct SearchOptions {
  std::string study;
  std::vector<std::string> overrides;
};

std::string figure(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "";
}

// The best first; those without figures last, in their order.
std::string trials_text(const record::Search& search) {
  std::vector<record::SearchTrial> trials = search.trials;
  std::ranges::stable_sort(trials, {}, [&](const record::SearchTrial& trial) {
    if (trial.status != "done") return std::pair(1, 0.0);
    return std::pair(0, search.by == "auc" ? -trial.auc.value_or(0) : trial.log_loss.value_or(0));
  });
  Table table({"trial", "held-out log loss", "held-out AUC", "l2", "patches", "seconds", ""});
  for (const record::SearchTrial& trial : trials) {
    table.add({trial.name, figure(trial.log_loss), figure(trial.auc),
               trial.lambda ? fmt::format("{:.4g}", *trial.lambda) : "",
               std::to_string(trial.patches), fmt::format("{:.1f}", trial.seconds),
               trial.status == "done" ? (trial.name == search.chosen ? "chosen" : "")
                                      : (trial.status == "failed" ? "FAILED" : trial.status)});
  }
  return table.text();
}

std::string folds_text(const record::Search& search) {
  if (search.folds.empty()) return "";
  Table table({"held out", "trial chosen without it", "log loss", "AUC"});
  for (const record::SearchFold& fold : search.folds) {
    table.add({fold.name, fold.trial, figure(fold.log_loss), figure(fold.auc)});
  }
  return table.text() + "\n";
}

std::string result_text(const search::SearchResult& result) {
  const record::Search& search = *result.record.search;
  std::string text = "\n" + trials_text(search) + "\n" + folds_text(search) +
                     metrics_text(result.record.metrics) + "\n";
  text += fmt::format("{} trials done, {} failed, {} not begun\n", result.count("done"),
                      result.count("failed"), result.count("not begun"));
  for (const record::SearchTrial& trial : search.trials) {
    if (trial.error) text += fmt::format("FAILED {}: {}\n", trial.name, *trial.error);
  }
  text += fmt::format("chosen: {}\nmodel: {}\nrecord: {}/run.json\n", search.chosen, result.model,
                      result.run_folder);
  if (!result.report.empty()) text += fmt::format("report: {}\n", result.report);
  if (result.mlflow.is_object()) {
    text += fmt::format("MLflow: {}\n", result.mlflow["url"].get<std::string>());
  }
  return text;
}

int run_search(const SearchOptions& options, Shell& shell) {
  const study::Study study = study::read_study(options.study, options.overrides);
  const search::SearchResult result = search::search_study(study, {}, shell.context());
  shell.print(search::to_json(result), result_text(result));
  return result.count("failed") == 0 ? kDone : kSomeSlidesFailed;
}

}  // namespace

Action add_search(CLI::App& app) {
  auto options = std::make_shared<SearchOptions>();
  app.add_option("study", options->study, "study file with a table [search]")
      ->required()
      ->type_name("STUDY.toml");
  app.add_option("--set", options->overrides, "override one key of the study (repeatable)")
      ->type_name("KEY=VALUE");
  return [options](Shell& shell) { return run_search(*options, shell); };
}

}  // namespace lamella::cli
