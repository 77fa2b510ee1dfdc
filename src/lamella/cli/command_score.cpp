// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/heatmap/heatmap.h"
#include "lamella/io/files.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/plan_slide.h"
#include "lamella/verbs/score_slide.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::cli {

namespace {

struct ScoreOptions {
  std::string features;
  SlideOptions slide;
  std::string model;
  verbs::ScoreSlideOptions score;
  std::string out;
};

verbs::SlideScores score_image(const ScoreOptions& options, const model::Model& model,
                               Shell& shell) {
  const Context context = shell.context();
  const auto slide = options.slide.open(shell);
  const verbs::ScoreSlideOptions& score = options.score;
  const auto mask =
      verbs::tissue_mask(score.tissue, score.mask, score.damage.on_damage, *slide, context);
  return verbs::score_slide(slide, options.slide.id(), model, score, mask, context);
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
                           {"left_out", scored.plan.left_out.size()},
                           {"compile_seconds", scored.compile_seconds}};
  object["slide_score"] =
      std::isfinite(slide_score) ? nlohmann::json(slide_score) : nlohmann::json();
  add_rate(object, rows, watch.seconds() - scored.compile_seconds);
  shell.print(object, fmt::format("{}: {} patches scored{} -> {}\n", scored.plan.slide_id, rows,
                                  rows > 0 ? fmt::format(", slide score {:.3f}", slide_score) : "",
                                  options.out));
  return scored.plan.left_out.empty() ? kDone : kSomeSlidesFailed;
}

}  // namespace

Action add_score(CLI::App& app) {
  auto options = std::make_shared<ScoreOptions>();
  auto* features = app.add_option("--features", options->features, "feature file to score")
                       ->type_name("FEATURES.h5");
  options->slide.add(app)->excludes(features)->description(
      "or a slide: a grid over its tissue is scored");
  app.add_option("--model", options->model, "model folder")->required()->type_name("DIR");
  add_flags(app, options->score);
  add_skip_errors(app, options->score.damage);
  app.add_option("--out", options->out, "scores file to write (name it after the slide)")
      ->required()
      ->type_name("SCORES.csv");
  return [options](Shell& shell) {
    if (options->features.empty() == options->slide.path.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "expected --features FILE or --slide FILE");
    }
    options->score.validate();
    return run_score(*options, shell);
  };
}

}  // namespace lamella::cli
