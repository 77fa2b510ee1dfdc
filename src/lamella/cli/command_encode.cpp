// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/encoder/encoder.h"
#include "lamella/storage/storage.h"
#include "lamella/verbs/encode.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::cli {

namespace {

struct EncodeOptions {
  SlideOptions slide;
  std::string plan;
  std::string encoder = "lite0";
  verbs::EncodeOptions encode;
  std::string out;
};

int run_encode(const EncodeOptions& options, Shell& shell) {
  verbs::EncodeFileOptions file;
  file.type = options.encode.encoding.features_dtype;
  file.how = {options.encode.damage.on_damage, options.encode.encoding.int8_check};
  const auto slide = options.slide.open(shell);
  const patch::PatchPlan plan = storage::read_plan(options.plan);
  const io::OutputLock lock = lock_output(options.out, shell);
  const Context context = shell.context();
  const auto encoder = encoder::load_encoder(encoder::find_encoder(options.encoder),
                                             options.encode.encoding.precision, context.threads);
  const verbs::EncodedFile encoded =
      verbs::encode_file(slide, plan, *encoder, file, options.out, context);

  const auto rows = static_cast<int64_t>(plan.rows.size()) - encoded.left_out;
  const std::string precision_used(encoder::to_string(encoder->precision()));
  nlohmann::json object = {{"slide_id", plan.slide_id},
                           {"out", options.out},
                           {"encoder", encoder->info().name},
                           {"dimension", encoder->info().dimension},
                           {"precision", precision_used},
                           {"features_dtype", storage::to_string(file.type)},
                           {"feature_space", encoder::feature_space(encoder->info(), plan)},
                           {"patches_resumed", encoded.resumed},
                           {"left_out", encoded.left_out},
                           {"compile_seconds", encoder->compile_seconds()}};
  add_rate(object, encoded.patches, encoded.seconds);
  object["patches"] = rows;
  shell.print(object, fmt::format("{}: {} features of {} numbers ({}, {}) in {:.1f} s, {:.0f} "
                                  "patches/s -> {}\n",
                                  plan.slide_id, rows, encoder->info().dimension,
                                  encoder->info().name, precision_used, encoded.seconds,
                                  object["patches_per_second"].get<double>(), options.out));
  return encoded.left_out > 0 ? kSomeSlidesFailed : kDone;
}

}  // namespace

Action add_encode(CLI::App& app) {
  auto options = std::make_shared<EncodeOptions>();
  options->slide.add(app)->required();
  app.add_option("--plan", options->plan, "plan of this slide")->required()->type_name("PLAN.h5");
  app.add_option("--encoder", options->encoder, "name or folder of the encoder")
      ->capture_default_str()
      ->type_name("NAME|DIR");
  add_flags(app, options->encode);
  add_skip_errors(app, options->encode.damage);
  app.add_option("--out", options->out, "feature file to write")
      ->required()
      ->type_name("FEATURES.h5");
  return [options](Shell& shell) { return run_encode(*options, shell); };
}

}  // namespace lamella::cli
