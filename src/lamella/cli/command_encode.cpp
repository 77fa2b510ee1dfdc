// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/program.h"
#include "lamella/encoder/encoder.h"
#include "lamella/storage/storage.h"
#include "lamella/study/check_plan.h"

namespace lamella::cli {

namespace {

struct EncodeOptions {
  SlideOptions slide;
  std::string plan;
  std::string encoder = "lite0";
  std::string precision = "auto";
  std::string out;
};

int run_encode(const EncodeOptions& options, Shell& shell) {
  const encoder::Precision precision = encoder::parse_precision(options.precision);
  const auto slide = options.slide.open();
  storage::FeatureFile file;
  file.plan = storage::read_plan(options.plan);
  study::require_same_slide(file.plan, slide->info());
  const Context context = shell.context();
  const auto encoder =
      encoder::load_encoder(encoder::find_encoder(options.encoder), precision, context.threads);
  encoder::EncodeResult result = encoder::encode_patches(slide, file.plan, *encoder, context);
  file.features = std::move(result.features);
  storage::write_features(file, "", options.out);

  nlohmann::json object = {{"slide_id", file.plan.slide_id},
                           {"out", options.out},
                           {"encoder", encoder->info().name},
                           {"dimension", encoder->info().dimension},
                           {"precision", file.features.precision},
                           {"feature_space", file.features.feature_space},
                           {"compile_seconds", encoder->compile_seconds()}};
  add_rate(object, file.features.rows, result.seconds);
  shell.print(object, fmt::format("{}: {} features of {} numbers ({}, {}) in {:.1f} s, {:.0f} "
                                  "patches/s -> {}\n",
                                  file.plan.slide_id, file.features.rows, file.features.columns,
                                  encoder->info().name, file.features.precision, result.seconds,
                                  object["patches_per_second"].get<double>(), options.out));
  return kDone;
}

}  // namespace

Action add_encode(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  options->slide.add(app);
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  app.add_option("--encoder", options->encoder, "name or folder of the encoder")
      ->capture_default_str()
      ->type_name("NAME|DIR");
  app.add_option("--precision", options->precision, "f32, bf16, int8 or auto")
      ->capture_default_str();
  app.add_option("--out", options->out, "feature file to write")
      ->required()
      ->type_name("FEATURES.h5");
  return [options](Shell& shell) { return run_encode(*options, shell); };
}

}  // namespace lamella::cli
