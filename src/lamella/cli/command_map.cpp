// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/check_plan.h"
#include "lamella/verbs/slide_map.h"

namespace lamella::cli {

namespace {

struct MapCommandOptions {
  SlideOptions slide;
  std::string scores;
  std::string annotations;
  std::string out;
  verbs::MapSlideOptions map;
};

int run_map(MapCommandOptions options, Shell& shell) {
  const Stopwatch watch;
  const auto slide = options.slide.open(shell);
  std::vector<std::string> notes;
  const heatmap::ScoredPatches scores = storage::read_scores(options.scores, &notes);
  for (const std::string& note : notes) shell.warn(options.scores + ": " + note);
  verbs::require_same_slide(scores.slide, slide->info(), options.scores);
  const heatmap::HeatMap map =
      heatmap::make_heatmap(scores, slide->info().size_px(), options.map.map.overlay.shown_class);
  if (!options.annotations.empty()) {
    options.map.map.overlay.outlines =
        verbs::read_outlines(options.annotations, slide->info(), shell.context());
  }
  options.map.map.overlay.title = options.slide.id();
  verbs::write_slide_map(verbs::draw_slide_map(*slide, map, options.map, shell.context()),
                         options.out);

  const double slide_score = heatmap::slide_score(scores.scores, map.shown);
  const std::string shown = map.shown == kMostLikely ? "the most likely classes" : map.shown;
  nlohmann::json object = {{"slide_id", options.slide.id()},
                           {"png", options.out + ".png"},
                           {"tiff", options.out + ".tiff"},
                           {"class", map.shown},
                           {"rows", map.rows},
                           {"columns", map.columns}};
  object["slide_score"] =
      std::isfinite(slide_score) ? nlohmann::json(slide_score) : nlohmann::json();
  add_rate(object, scores.scores.rows(), watch.seconds());
  shell.print(object, fmt::format("{}: heat-map of {} ({} x {} cells) -> {}.png, {}.tiff\n",
                                  options.slide.id(), shown, map.columns, map.rows, options.out,
                                  options.out));
  return kDone;
}

}  // namespace

Action add_map(CLI::App& app) {
  auto options = std::make_shared<MapCommandOptions>();
  options->slide.add(app)->required();
  app.add_option("--scores", options->scores, "scores of this slide")
      ->required()
      ->type_name("SCORES.csv");
  app.add_option("--annotations", options->annotations,
                 "outlines that are drawn, of any format that convert reads")
      ->type_name("FILE");
  add_flags(app, options->map);
  add_skip_errors(app, options->map.damage);
  app.add_option("--out", options->out, "PREFIX.png and PREFIX.tiff are written")
      ->required()
      ->type_name("PREFIX");
  return [options](Shell& shell) { return run_map(*options, shell); };
}

}  // namespace lamella::cli
