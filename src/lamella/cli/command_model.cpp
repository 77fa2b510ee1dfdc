// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/slide/open_options.h"
#include "lamella/verbs/export_model.h"

namespace lamella::cli {

namespace {

struct ModelOptions {
  std::string model, out, measure_on;
  slide::OpenOptions open;
};

int export_model(const ModelOptions& options, Shell& shell) {
  verbs::ExportOptions wanted;
  wanted.out = options.out;
  if (!options.measure_on.empty()) {
    wanted.slide = open_slide(options.measure_on, options.open, shell);
  }
  const verbs::ExportedModel made =
      verbs::export_model(model::read_model(options.model), wanted, shell.context());
  nlohmann::json object = {{"path", options.out},  {"patch_px", made.patch_px},
                           {"bytes", made.bytes},  {"sha256", made.sha256},
                           {"input", "patches"},   {"output", "probability"},
                           {"difference", nullptr}};
  std::string text = fmt::format("patches N x {0} x {0} x 3 uint8 -> probability N float32: {1}\n",
                                 made.patch_px, options.out);
  if (made.difference) {
    object["difference"] = verbs::to_json(*made.difference);
    text += fmt::format(
        "difference from lamella's own in {}: largest {:.2g}, mean {:.2g} ({} "
        "patches)\n",
        made.difference->precision, made.difference->largest, made.difference->mean,
        made.difference->patches);
  }
  shell.print(object, text);
  return kDone;
}

}  // namespace

Action add_model(CLI::App& app) {
  auto options = std::make_shared<ModelOptions>();
  app.require_subcommand(1);
  CLI::App* part = app.add_subcommand("export", "one ONNX file, patch in, probability out");
  part->fallthrough();
  part->add_option("--model", options->model, "model folder")->required()->type_name("DIR");
  part->add_option("--out", options->out, "file to write")->required()->type_name("FILE.onnx");
  part->footer("Example:\n  lamella model export --model model --out model.onnx");
  CLI::Option* measure =
      part->add_option("--measure-on", options->measure_on,
                       "measure on this slide's tissue how far it is from lamella's own "
                       "probabilities (bf16, int8); kept in the file's metadata")
          ->type_name("SLIDE");
  add_flags(*part, {&slide::open_table().list(), &options->open});
  for (const Option& option : slide::open_table().list()) {
    part->get_option(flag_of(option.name))->needs(measure);
  }
  return [options](Shell& shell) { return export_model(*options, shell); };
}

}  // namespace lamella::cli
