// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/storage/feature_layouts.h"

namespace lamella::cli {

namespace {

struct FeaturesOptions {
  std::string features, layout, out;
};

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
  return [options](Shell& shell) { return export_layout(*options, shell); };
}

}  // namespace lamella::cli
