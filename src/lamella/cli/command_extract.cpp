// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/storage/patch_files.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/check_plan.h"

namespace lamella::cli {

namespace {

struct ExtractCommandOptions {
  SlideOptions slide;
  std::string plan;
  std::string out;
  bool skip_errors = false;
  storage::PatchFilesOptions files;
};

int run_extract(const ExtractCommandOptions& options, Shell& shell) {
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan = storage::read_plan(options.plan);
  verbs::require_same_slide(plan, slide->info());
  const Context context = shell.context();
  patch::ExtractOptions extract;
  extract.on_error = options.skip_errors ? patch::ExtractOptions::OnError::kSkip
                                         : patch::ExtractOptions::OnError::kFail;

  const Stopwatch watch;
  patch::PatchExtractor extractor(slide, plan, extract);
  const auto writer = storage::open_patch_files(plan, options.files);
  patch::PatchBatch batch;
  int64_t done = 0;
  while (extractor.next(batch, context)) {
    writer->write(batch, context);
    done += batch.count;
    context.report("extract " + plan.slide_id, done, extractor.patch_count(), "patches");
  }
  writer->finish();
  const double seconds = watch.seconds();
  for (const slide::RegionFailure& failure : extractor.failures()) {
    context.warn(fmt::format("row {} left out: {}", failure.region, failure.message));
  }

  const auto failed = static_cast<int64_t>(extractor.failures().size());
  nlohmann::json object = {
      {"slide_id", plan.slide_id},
      {"format",
       value_text(
           find_option(storage::PatchFilesOptions::table().list(), "format")->get(&options.files))},
      {"out", options.out},
      {"failed", failed},
      {"tiles_decoded", extractor.tiles_decoded()}};
  add_rate(object, done, seconds);
  shell.print(object,
              fmt::format("{}: {} patches{} in {:.2f} s, {:.0f} patches/s{}\n", plan.slide_id, done,
                          failed > 0 ? fmt::format(" ({} could not be read)", failed) : "", seconds,
                          object["patches_per_second"].get<double>(),
                          options.out.empty() ? "" : " -> " + options.out));
  return failed > 0 ? kSomeSlidesFailed : kDone;
}

}  // namespace

Action add_extract(CLI::App& app) {
  auto options = std::make_shared<ExtractCommandOptions>();
  options->slide.add(app)->required();
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  add_flags(app, options->files);
  app.add_option("--out", options->out, "folder to write")->type_name("DIR");
  app.add_flag("--skip-errors", options->skip_errors,
               "leave out patches whose tiles are damaged, and count them (exit code 3)");
  return [options](Shell& shell) {
    options->files.folder = options->out;
    options->files.validate();
    return run_extract(*options, shell);
  };
}

}  // namespace lamella::cli
