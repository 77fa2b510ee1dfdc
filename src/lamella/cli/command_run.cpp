// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/study/run_study.h"

namespace lamella::cli {

namespace {

struct RunOptions {
  std::string study;
  std::vector<std::string> overrides;
  study::RunOptions run;
};

std::string slides_text(const study::StudyResult& result) {
  Table table({"slide", "role", "status", "patches", "seconds", "slide score", "", "heat-map"});
  for (const record::Outcome& slide : result.record.outcomes) {
    table.add({slide.slide_id, slide.role,
               slide.status == "done"
                   ? (slide.patches > 0 && slide.patches_reused == slide.patches ? "found finished"
                                                                                 : "done")
                   : "FAILED",
               std::to_string(slide.patches), fmt::format("{:.1f}", slide.seconds),
               slide.slide_score ? fmt::format("{:.3f}", *slide.slide_score) : "",
               slide.unlike.empty() ? "" : "unlike", slide.heatmap.value_or("")});
  }
  return table.text();
}

std::string seconds_text(const study::StudyResult& result) {
  std::string text = "time:";
  for (const char* step : {"plan", "encode", "train", "score", "map"}) {
    text += fmt::format("  {} {:.1f} s", step, result.record.times.at(step));
  }
  if (result.compile_seconds > 0) {
    text += fmt::format("  (in {}; network made ready in {:.1f} s)",
                        result.record.encoder->precision, result.compile_seconds);
  }
  return text + "\n";
}

std::string result_text(const study::StudyResult& result) {
  std::string text = "\n" + metrics_text(result.record.metrics) + "\n" + slides_text(result) +
                     "\n" + seconds_text(result);
  for (const record::Outcome& slide : result.record.outcomes) {
    if (slide.error) text += fmt::format("FAILED {}: {}\n", slide.slide_id, *slide.error);
  }
  text += fmt::format("record: {}/run.json\n", result.run_folder);
  if (!result.report.empty()) text += fmt::format("report: {}\n", result.report);
  if (result.mlflow.is_object()) {
    text += fmt::format("MLflow: {}\n", result.mlflow["url"].get<std::string>());
  }
  return text;
}

int run_run(const RunOptions& options, Shell& shell) {
  const study::Study study = study::read_study(options.study, options.overrides);
  const study::StudyResult result = study::run_study(study, options.run, shell.context());
  shell.print(study::to_json(result), result_text(result));
  return result.all_done() && !result.left_out() ? kDone : kSomeSlidesFailed;
}

}  // namespace

Action add_run(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  app.add_option("study", options->study, "study file")->required()->type_name("STUDY.toml");
  app.add_option("--set", options->overrides, "override one key of the study (repeatable)")
      ->type_name("KEY=VALUE");
  app.add_flag_function(
      "--skip-errors",
      [options](int64_t) { options->overrides.emplace_back("patches.on_damage=skip"); },
      "short for --set patches.on_damage=skip");
  app.add_flag("--full-hash", options->run.full_hash,
               "record the SHA-256 of whole slides, not only of samples");
  return [options](Shell& shell) { return run_run(*options, shell); };
}

}  // namespace lamella::cli
