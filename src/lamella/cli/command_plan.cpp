// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::cli {

namespace {

struct PlanOptions {
  SlideOptions slide;
  verbs::PlanSlideOptions plan;
  std::string region;
  std::vector<std::string> centers;
  std::string out;
};

// "FILE:LABEL"
patch::CentreFile read_centre_option(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string label = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (label != "0" && label != "1") {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--centers: found '{}', expected FILE:LABEL with label 1 (tumour) or 0 "
                            "(normal)",
                            text));
  }
  return {text.substr(0, colon), static_cast<int8_t>(label == "1")};
}

int run_plan(const PlanOptions& options, Shell& shell) {
  const Stopwatch watch;
  const Context context = shell.context();
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan =
      verbs::plan_slide(*slide, options.slide.id(), options.plan, context);
  storage::write_plan(plan, "", options.out);

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

void add_scale(CLI::App& app, PlanOptions& options) {
  app.add_option("--size-px", options.plan.spec.size_px, "side of a patch in pixels")
      ->required()
      ->type_name("N");
  auto* level = app.add_option("--level", options.plan.spec.level, "pyramid level, native pixels")
                    ->type_name("L");
  app.add_option("--mpp", options.plan.spec.mpp, "µm per patch pixel, by resampling")
      ->excludes(level)
      ->type_name("UM");
}

void add_annotation_rule(CLI::App& app, PlanOptions& options) {
  patch::AnnotationRule& rule = options.plan.rule;
  app.add_option("--positive", options.plan.groups.positive, "annotation groups that are tumour")
      ->type_name("GROUP");
  app.add_option("--negative", options.plan.groups.negative, "annotation groups that are normal")
      ->type_name("GROUP");
  app.add_flag("--negative-from-tissue", options.plan.groups.negative_from_tissue,
               "tissue outside every polygon is normal");
  app.add_option("--min-coverage", rule.min_coverage, "covered fraction that gives the label")
      ->capture_default_str();
  app.add_option("--max-per-slide", rule.max_per_slide, "patches at most")->capture_default_str();
  app.add_option("--seed", rule.seed, "seed of the sampling")->capture_default_str();
}

}  // namespace

Action add_plan(CLI::App& app) {
  auto options = std::make_shared<PlanOptions>();
  options->slide.add(app);
  add_scale(app, *options);
  auto* stride = app.add_option("--stride-px", options->plan.grid.stride_px,
                                "grid over the tissue: step in patch pixels (default: size-px)")
                     ->type_name("N");
  app.add_option("--region", options->region, "grid only here: X,Y,WIDTH,HEIGHT in level-0 px");
  app.add_option("--min-tissue", options->plan.grid.min_tissue,
                 "grid: tissue fraction a patch must have")
      ->capture_default_str();
  app.add_option("--tissue", options->plan.tissue, "auto, none, or a mask PNG")
      ->capture_default_str();
  auto* centers = app.add_option("--centers", options->centers,
                                 "NCRF list of centres and its label, FILE:LABEL (repeatable)")
                      ->excludes(stride)
                      ->type_name("FILE:LABEL");
  app.add_option("--annotations", options->plan.annotations, "ASAP XML or NCRF JSON files")
      ->excludes(stride)
      ->excludes(centers)
      ->type_name("FILE");
  add_annotation_rule(app, *options);
  app.add_option("--out", options->out, "plan file to write")->required()->type_name("PLAN.h5");
  return [options](Shell& shell) {
    if (!options->plan.spec.level && !options->plan.spec.mpp) {
      throw Error(ErrorCode::kInvalidArgument,
                  "no scale: expected --level L (native pixels) or --mpp UM");
    }
    if (!options->region.empty()) options->plan.grid.region_px = parse_region(options->region);
    for (const std::string& text : options->centers) {
      options->plan.centers.push_back(read_centre_option(text));
    }
    return run_plan(*options, shell);
  };
}

}  // namespace lamella::cli
