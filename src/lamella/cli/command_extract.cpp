// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/extract.h"

namespace lamella::cli {

namespace {

struct ExtractCommandOptions {
  SlideOptions slide;
  std::string plan;
  verbs::ExtractFilesOptions extract;
};

int run_extract(const ExtractCommandOptions& options, Shell& shell) {
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan = storage::read_plan(options.plan);
  const verbs::Extracted made = verbs::extract_files(slide, plan, options.extract, shell.context());

  const auto failed = static_cast<int64_t>(made.failures.size());
  const std::string& out = options.extract.files.folder;
  storage::PatchFilesOptions files = options.extract.files;
  const std::string format =
      value_text(find_option(storage::PatchFilesOptions::table().list(), "format")->get(&files));
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"format", format},
                           {"out", out},
                           {"failed", failed},
                           {"tiles_decoded", made.tiles_decoded}};
  add_rate(object, made.patches, made.seconds);
  shell.print(
      object,
      fmt::format("{}: {} patches{} in {:.2f} s, {:.0f} patches/s{}\n", plan.slide_id, made.patches,
                  failed > 0 ? fmt::format(" ({} could not be read)", failed) : "", made.seconds,
                  object["patches_per_second"].get<double>(), out.empty() ? "" : " -> " + out));
  return failed > 0 ? kSomeSlidesFailed : kDone;
}

}  // namespace

Action add_extract(CLI::App& app) {
  auto options = std::make_shared<ExtractCommandOptions>();
  options->slide.add(app)->required();
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  add_flags(app, options->extract);
  add_skip_errors(app, options->extract.damage);
  app.add_option("--out", options->extract.files.folder, "folder to write")->type_name("DIR");
  return [options](Shell& shell) {
    options->extract.validate();
    return run_extract(*options, shell);
  };
}

}  // namespace lamella::cli
