// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/extract.h"

namespace lamella::cli {

namespace {

struct ExtractCommandOptions {
  SlideOptions slide;
  std::string plan;
  std::string format = "png";
  std::string jpeg_chroma = "auto";
  verbs::ExtractFilesOptions extract;
};

int run_extract(const ExtractCommandOptions& options, Shell& shell) {
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan = storage::read_plan(options.plan);
  const verbs::Extracted made = verbs::extract_files(slide, plan, options.extract, shell.context());

  const auto failed = static_cast<int64_t>(made.failures.size());
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"format", options.format},
                           {"out", options.extract.files.folder},
                           {"failed", failed},
                           {"tiles_decoded", made.tiles_decoded}};
  add_rate(object, made.patches, made.seconds);
  const std::string& out = options.extract.files.folder;
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
  options->slide.add(app);
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  app.add_option("--format", options->format,
                 "png, jpeg (files <label>/<slide>_<x>_<y>), webdataset (tar shards), or null "
                 "(only read)")
      ->capture_default_str();
  app.add_option("--out", options->extract.files.folder, "folder to write")->type_name("DIR");
  app.add_option("--jpeg-quality", options->extract.files.jpeg_quality, "1-100")
      ->capture_default_str();
  app.add_option("--jpeg-chroma", options->jpeg_chroma,
                 "resolution of the colours: 4:4:4 (full), 4:2:0 (half: smaller and faster), auto "
                 "(4:2:0 below quality 90)")
      ->capture_default_str();
  app.add_option("--shard-size", options->extract.files.shard_size,
                 "webdataset: patches per tar file")
      ->capture_default_str();
  app.add_flag("--skip-errors", options->extract.skip_errors,
               "leave out patches whose tiles are damaged, and count them (exit code 3)");
  return [options](Shell& shell) {
    options->extract.files.format = storage::parse_patch_format(options->format);
    options->extract.files.jpeg_chroma = imagefile::parse_chroma(options->jpeg_chroma);
    options->extract.validate();
    return run_extract(*options, shell);
  };
}

}  // namespace lamella::cli
