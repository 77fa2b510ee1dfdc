// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "lamella/cli/commands.h"
#include "lamella/cli/common_options.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/python_script.h"
#include "lamella/io/temporary.h"
#include "lamella/slide/open_options.h"
#include "lamella/verbs/export_model.h"
#include "lamella/verbs/import_model.h"
#include "lamella/verbs/train_files.h"

namespace lamella::cli {

namespace {

struct ModelOptions {
  std::string model, out, measure_on;
  bool importing = false;
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
  std::string text = fmt::format("patches N x {0} x {0} x 3 uint8 -> probability N float32: {1}\n",
                                 made.patch_px, options.out);
  if (made.difference) {
    text += fmt::format(
        "difference from lamella's own in {}: largest {:.2g}, mean {:.2g} ({} "
        "patches)\n",
        made.difference->precision, made.difference->largest, made.difference->mean,
        made.difference->patches);
  }
  shell.print(verbs::to_json(made, options.out), text);
  return kDone;
}

// Of the parts that a script made of another program's model.
int import_model(const ModelOptions& options, Shell& shell) {
  const std::string parts = io::temporary_name(options.out + ".parts");
  const std::string log = parts + ".log";
  const auto clean = [&] {
    std::error_code ignored;
    std::filesystem::remove_all(parts, ignored);
    std::filesystem::remove(log, ignored);
  };
  try {
    run_python_script("zoo.py", {options.model, parts}, log, "the model could not be imported",
                      options.model, shell.context());
    const model::Model model = verbs::import_model(parts);
    verbs::write_whole_model(model, options.out, shell.context());
    clean();
    shell.print({{"name", model.name},
                 {"path", options.out},
                 {"classes", model.classifier.classes.names},
                 {"dimension", model.encoder.dimension},
                 {"size_px", model.spec.size_px},
                 {"mpp", json_or_null(model.spec.mpp)}},
                fmt::format("{}: classes {}, patches of {} px at {:g} µm/px -> {}\n", model.name,
                            model.classifier.classes.text(), model.spec.size_px,
                            model.spec.mpp.value_or(0), options.out));
    return kDone;
  } catch (...) {
    clean();
    throw;
  }
}

void add_import(CLI::App& app, const std::shared_ptr<ModelOptions>& options) {
  CLI::App* part = app.add_subcommand("import", "take a model of WSInfer's zoo");
  part->fallthrough();
  part->add_option("model", options->model, "folder with config.json and an ONNX or TorchScript")
      ->required()
      ->type_name("DIR");
  part->add_option("--out", options->out, "model folder to write")->required()->type_name("DIR");
  part->footer("Example:\n  lamella model import breast-tumor-resnet34 --out model");
  part->callback([options] { options->importing = true; });
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
  add_import(app, options);
  return [options](Shell& shell) {
    return options->importing ? import_model(*options, shell) : export_model(*options, shell);
  };
}

}  // namespace lamella::cli
