// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/storage/patch_files.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/check_plan.h"

namespace lamella::cli {

namespace {

struct ExtractCommandOptions {
  SlideOptions slide;
  std::string plan;
  std::string format = "png";
  std::string out;
  bool skip_errors = false;
  std::string jpeg_chroma = "auto";
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
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"format", options.format},
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
  options->slide.add(app);
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  app.add_option("--format", options->format,
                 "png, jpeg (files <label>/<slide>_<x>_<y>), webdataset (tar shards), or null "
                 "(only read)")
      ->capture_default_str();
  app.add_option("--out", options->out, "folder to write")->type_name("DIR");
  app.add_option("--jpeg-quality", options->files.jpeg_quality, "1-100")->capture_default_str();
  app.add_option("--jpeg-chroma", options->jpeg_chroma,
                 "resolution of the colours: 4:4:4 (full), 4:2:0 (half: smaller and faster), auto "
                 "(4:2:0 below quality 90)")
      ->capture_default_str();
  app.add_option("--shard-size", options->files.shard_size, "webdataset: patches per tar file")
      ->capture_default_str();
  app.add_flag("--skip-errors", options->skip_errors,
               "leave out patches whose tiles are damaged, and count them (exit code 3)");
  return [options](Shell& shell) {
    options->files.format = storage::parse_patch_format(options->format);
    options->files.folder = options->out;
    options->files.jpeg_chroma = imagefile::parse_chroma(options->jpeg_chroma);
    options->files.validate();
    return run_extract(*options, shell);
  };
}

}  // namespace lamella::cli
