// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/error.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/plan_slide.h"

namespace lamella::cli {

namespace {

struct PlanOptions {
  SlideOptions slide;
  verbs::PlanSlideOptions plan;
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

  int64_t labels[2] = {0, 0};
  for (const patch::PatchRow& row : plan.rows) {
    if (row.label != patch::kNoLabel) ++labels[row.label];
  }
  const auto rows = static_cast<int64_t>(plan.rows.size());
  const std::string counts = labels[0] + labels[1] == 0
                                 ? ""
                                 : fmt::format(" ({} tumour, {} normal)", labels[1], labels[0]);
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"out", options.out},
                           {"level", plan.geometry.level},
                           {"patch_extent_px", plan.geometry.extent_x_px},
                           {"effective_mpp", json_or_null(plan.geometry.effective_mpp)},
                           {"mpp_source", plan.mpp_source},
                           {"tumour", labels[1]},
                           {"normal", labels[0]},
                           {"warnings", plan.warnings}};
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
  app.get_option("--level")->excludes("--mpp");
  CLI::Option* stride = app.get_option("--stride-px");
  auto* centers = app.add_option("--centers", options->centers,
                                 "NCRF list of centres and its label, FILE:LABEL (repeatable)")
                      ->excludes(stride)
                      ->type_name("FILE:LABEL");
  app.add_option("--annotations", options->plan.annotations, "ASAP XML or NCRF JSON files")
      ->excludes(stride)
      ->excludes(centers)
      ->type_name("FILE");
  app.add_option("--out", options->out, "plan file to write")->required()->type_name("PLAN.h5");
  return [options](Shell& shell) {
    for (const std::string& text : options->centers) {
      options->plan.centers.push_back(read_centre_option(text));
    }
    return run_plan(*options, shell);
  };
}

}  // namespace lamella::cli
