// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/program.h"
#include "lamella/record/run_reader.h"
#include "lamella/report/run_report.h"

namespace lamella::cli {

namespace {

struct ReportOptions {
  std::string run;
  std::string folder = "out";  // where ids are looked for
  std::string out;
};

int run_report(const ReportOptions& options, Shell& shell) {
  const std::string folder = record::find_run(options.run, options.folder);
  const std::string path = report::report_run(folder, options.out, shell.context());
  shell.print({{"report", path}}, fmt::format("report: {}\n", path));
  return kDone;
}

}  // namespace

Action add_report(CLI::App& app) {
  auto options = std::make_shared<ReportOptions>();
  app.add_option("run", options->run, "the run's folder, or its id (or the id's beginning)")
      ->required()
      ->type_name("RUN");
  app.add_option("--in", options->folder, "folder beneath which ids are looked for")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--out", options->out,
                 "where to write it (default: report.html of the run's folder)")
      ->type_name("FILE.html");
  return [options](Shell& shell) { return run_report(*options, shell); };
}

}  // namespace lamella::cli
