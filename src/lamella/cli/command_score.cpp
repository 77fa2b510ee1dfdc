// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/score_slide.h"

namespace lamella::cli {

namespace {

struct ScoreOptions {
  std::string features;
  std::string slide;
  std::string slide_id;
  std::optional<double> slide_mpp;
  std::string model;
  std::string image;
  std::string region;
  std::string tissue = "auto";
  patch::GridOptions grid;
  std::string out;
};

verbs::SlideScores score_image(const ScoreOptions& options, const model::Model& model,
                               Shell& shell) {
  const Context context = shell.context();
  const auto slide =
      open_slide(options.slide, {.mpp = options.slide_mpp, .image = options.image}, shell);
  const std::string id = options.slide_id.empty() ? io::stem(options.slide) : options.slide_id;
  return verbs::score_slide(slide, id, model, options.grid,
                            verbs::tissue_mask(options.tissue, *slide, context), context);
}

int run_score(const ScoreOptions& options, Shell& shell) {
  const Stopwatch watch;
  const model::Model model = model::read_model(options.model);
  const verbs::SlideScores scored = options.features.empty()
                                        ? score_image(options, model, shell)
                                        : verbs::score_feature_file(options.features, model);
  storage::write_scores(scored.plan, scored.scores, "", options.out);

  const double slide_score = heatmap::slide_score(scored.scores);
  const auto rows = scored.scores.rows();
  nlohmann::json object = {{"slide_id", scored.plan.slide_id},
                           {"out", options.out},
                           {"effective_mpp", json_or_null(scored.plan.geometry.effective_mpp)},
                           {"compile_seconds", scored.compile_seconds}};
  object["slide_score"] =
      std::isfinite(slide_score) ? nlohmann::json(slide_score) : nlohmann::json();
  add_rate(object, rows, watch.seconds() - scored.compile_seconds);
  shell.print(object, fmt::format("{}: {} patches scored{} -> {}\n", scored.plan.slide_id, rows,
                                  rows > 0 ? fmt::format(", slide score {:.3f}", slide_score) : "",
                                  options.out));
  return kDone;
}

}  // namespace

Action add_score(CLI::App& app) {
  auto options = std::make_shared<ScoreOptions>();
  auto* features = app.add_option("--features", options->features, "feature file to score")
                       ->type_name("FEATURES.h5");
  app.add_option("--slide", options->slide, "or a slide: a grid over its tissue is scored")
      ->excludes(features)
      ->type_name("FILE");
  app.add_option("--slide-id", options->slide_id, "name of the slide (default: the file's name)");
  app.add_option("--slide-mpp,--mpp", options->slide_mpp,
                 "µm per pixel at level 0, wins over the file's")
      ->check(positive_number());
  app.add_option("--image", options->image,
                 "which image of a file that holds several: number or name");
  app.add_option("--model", options->model, "model folder")->required()->type_name("DIR");
  app.add_option("--stride-px", options->grid.stride_px,
                 "step of the grid in patch pixels (default: the patch's size)");
  app.add_option("--region", options->region, "only here: X,Y,WIDTH,HEIGHT in level-0 px");
  app.add_option("--min-tissue", options->grid.min_tissue, "tissue fraction a patch must have")
      ->capture_default_str();
  app.add_option("--tissue", options->tissue, "auto, none, or a mask PNG")->capture_default_str();
  app.add_option("--out", options->out, "scores file to write (name it after the slide)")
      ->required()
      ->type_name("SCORES.csv");
  return [options](Shell& shell) {
    if (options->features.empty() == options->slide.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "expected --features FILE or --slide FILE");
    }
    if (!options->region.empty()) options->grid.region_px = parse_region(options->region);
    options->grid.validate();
    return run_score(*options, shell);
  };
}

}  // namespace lamella::cli
