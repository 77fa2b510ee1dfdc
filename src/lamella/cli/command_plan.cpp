// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::cli {

namespace {

struct PlanOptions {
  SlideOptions slide;
  verbs::PlanSlideOptions plan;
  std::string out;
};

int run_plan(const PlanOptions& options, Shell& shell) {
  const Stopwatch watch;
  const Context context = shell.context();
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan =
      verbs::plan_slide_file(*slide, options.slide.id(), options.plan, options.out, context);

  std::vector<int64_t> labels(plan.classes.names.size(), 0);
  for (const patch::PatchRow& row : plan.rows) {
    if (row.label != patch::kNoLabel) ++labels[static_cast<size_t>(row.label)];
  }
  const auto rows = static_cast<int64_t>(plan.rows.size());
  const std::string counts =
      labels.empty() ? "" : fmt::format(" ({})", counts_text(plan.classes, labels));
  std::vector<std::string> warnings = slide->info().warnings;
  warnings.insert(warnings.end(), plan.warnings.begin(), plan.warnings.end());
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"out", options.out},
                           {"level", plan.geometry.level},
                           {"patch_extent_px", plan.geometry.extent_x_px},
                           {"effective_mpp", json_or_null(plan.geometry.effective_mpp)},
                           {"mpp_source", plan.mpp_source},
                           {"layout", slide->info().layout},
                           {"image", slide->info().image},
                           {"labels", counts_json(plan.classes, labels)},
                           {"warnings", warnings}};
  add_rate(object, rows, watch.seconds());
  shell.print(object, fmt::format("{}: {} patches{} of {} px at level {}{} -> {}\n", plan.slide_id,
                                  rows, counts, plan.spec.size_px, plan.geometry.level,
                                  plan.geometry.effective_mpp
                                      ? fmt::format(", {:.4g} µm/px", *plan.geometry.effective_mpp)
                                      : ", scale unknown",
                                  options.out));
  return kDone;
}

}  // namespace

Action add_plan(CLI::App& app) {
  auto options = std::make_shared<PlanOptions>();
  options->slide.add(app)->required();
  add_flags(app, options->plan);
  add_skip_errors(app, options->plan.damage);
  app.get_option("--level")->excludes("--mpp");
  CLI::Option* stride = app.get_option("--stride-px");
  auto* centers = app.add_option("--centers", options->plan.centers,
                                 "NCRF list of centres and its class, FILE:CLASS (repeatable)")
                      ->excludes(stride)
                      ->type_name("FILE:CLASS");
  app.add_option("--annotations", options->plan.annotations,
                 "outlines: QuPath, ASAP, ImageScope, NCRF, NDP.view, slideflow")
      ->excludes(stride)
      ->excludes(centers)
      ->type_name("FILE");
  app.add_option("--out", options->out, "plan file to write")->required()->type_name("PLAN.h5");
  return [options](Shell& shell) { return run_plan(*options, shell); };
}

}  // namespace lamella::cli
