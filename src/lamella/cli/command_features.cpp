// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/storage/feature_layouts.h"
#include "lamella/verbs/import_features.h"

namespace lamella::cli {

namespace {

struct FeaturesOptions {
  std::string features, layout, out;
  SlideOptions slide;
  verbs::ImportFeaturesOptions import;
  bool importing = false;
};

int import_layout(const FeaturesOptions& options, Shell& shell) {
  const auto slide = options.slide.open(shell);
  const auto lock = lock_output(options.out, shell);
  const storage::FeatureFile file =
      verbs::import_features(*slide, options.slide.id(), options.import, shell.context());
  storage::write_features(file, "", options.out);
  int64_t labelled = 0;
  for (const patch::PatchRow& row : file.plan.rows) labelled += row.label != patch::kNoLabel;
  shell.print({{"slide_id", file.plan.slide_id},
               {"patches", file.features.rows},
               {"dimension", file.features.columns},
               {"feature_space", file.features.feature_space},
               {"patch_extent_px", file.plan.geometry.extent_x_px},
               {"effective_mpp", json_or_null(file.plan.geometry.effective_mpp)},
               {"labelled", labelled},
               {"out", options.out}},
              fmt::format("{}: {} features of {} numbers, {} with a label ({}) -> {}\n",
                          file.plan.slide_id, file.features.rows, file.features.columns, labelled,
                          file.features.feature_space, options.out));
  return kDone;
}

int export_layout(const FeaturesOptions& options, Shell& shell) {
  const storage::FeatureLayout layout = storage::parse_feature_layout(options.layout);
  const storage::FeatureReader reader(options.features);
  const auto lock = lock_output(options.out, shell);
  storage::export_features(reader, layout, options.out);
  const auto rows = static_cast<int64_t>(reader.plan().rows.size());
  shell.print({{"slide_id", reader.plan().slide_id},
               {"layout", options.layout},
               {"patches", rows},
               {"dimension", reader.columns()},
               {"out", options.out}},
              fmt::format("{}: {} features of {} numbers in {}'s layout -> {}\n",
                          reader.plan().slide_id, rows, reader.columns(),
                          layout == storage::FeatureLayout::kClam ? "CLAM" : "STAMP", options.out));
  return kDone;
}

void add_import(CLI::App& app, const std::shared_ptr<FeaturesOptions>& options) {
  CLI::App* part = app.add_subcommand("import", "take features that TRIDENT, CLAM or STAMP made");
  part->fallthrough();
  part->footer(
      "Example:\n  lamella features import --features a.h5 --slide a.svs --out a.features.h5");
  part->add_option("--features", options->import.features, "feature file as that program wrote it")
      ->required()
      ->type_name("FEATURES.h5");
  options->slide.add(*part)->required();
  add_flags(*part, options->import);
  part->add_option("--centers", options->import.centers,
                   "NCRF list of centres and its class, FILE:CLASS (repeatable)")
      ->type_name("FILE:CLASS");
  part->add_option("--annotations", options->import.annotations, "outlines of this slide")
      ->type_name("FILE");
  part->add_option("--out", options->out, "file to write")->required()->type_name("OUT.h5");
  part->callback([options] { options->importing = true; });
}

}  // namespace

Action add_features(CLI::App& app) {
  auto options = std::make_shared<FeaturesOptions>();
  app.require_subcommand(1);
  CLI::App* part = app.add_subcommand("export", "write features as another program reads them");
  part->fallthrough();
  part->footer(
      "Example:\n  lamella features export --features a.features.h5 --layout clam --out a.clam.h5");
  part->add_option("--features", options->features, "feature file of lamella")
      ->required()
      ->type_name("FEATURES.h5");
  part->add_option("--layout", options->layout,
                   "clam or stamp (TRIDENT reads lamella's own files as they are)")
      ->required()
      ->type_name("NAME");
  part->add_option("--out", options->out, "file to write")->required()->type_name("OUT.h5");
  add_import(app, options);
  return [options](Shell& shell) {
    return options->importing ? import_layout(*options, shell) : export_layout(*options, shell);
  };
}

}  // namespace lamella::cli
