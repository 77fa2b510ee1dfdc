// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "lamella/base/text.h"
#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/python_script.h"
#include "lamella/encoder/import_options.h"
#include "lamella/io/files.h"
#include "lamella/io/temporary.h"

namespace lamella::cli {

namespace {

struct ImportCommand {
  std::string from = "onnx";
  std::string network;
  std::string out;
  encoder::ImportOptions options;
  bool pretrained = false;
  std::vector<CLI::Option*> of_frameworks;  // that an ONNX file does not have
  CLI::App* app = nullptr;

  bool was_given(const std::string& name) const {
    return app->get_option(flag_of(name))->count() > 0;
  }
};

int print_imported(const encoder::EncoderInfo& info, const std::string& out, Shell& shell) {
  nlohmann::json object = {{"name", info.name},         {"path", info.folder},
                           {"input_px", info.input_px}, {"dimension", info.dimension},
                           {"sha256", info.sha256},     {"outputs", nlohmann::json::array()}};
  std::vector<std::string> outputs;
  for (const encoder::OutputInfo& output : info.outputs) {
    const std::string pooling(encoder::to_string(output.pooling));
    object["outputs"].push_back({{"name", output.name}, {"pooling", pooling}});
    outputs.push_back(output.pooling == encoder::Pooling::kNone
                          ? output.name
                          : fmt::format("{} ({})", output.name, pooling));
  }
  shell.print(object,
              fmt::format("{}: input {} px, {} numbers a patch from {} -> {}\n"
                          "check it with: lamella encoder check {}\n",
                          info.name, info.input_px, info.dimension, join(outputs, ", "), out, out));
  return kDone;
}

// What was given, as importing.py takes it: under the same names.
std::vector<std::string> given_words(const ImportCommand& command) {
  std::vector<std::string> words = {command.from, command.network, "--out=" + command.out};
  for (const Option& option : encoder::ImportOptions::table().list()) {
    const CLI::Option* flag = command.app->get_option(flag_of(option.name));
    if (flag->count() == 0) continue;
    if (option.kind == OptionKind::kTexts) {
      for (const std::string& value : flag->results())
        words.push_back(flag->get_name() + "=" + value);
    } else {
      words.push_back(flag->get_name() + "=" + join(flag->results(), ","));
    }
  }
  for (const CLI::Option* flag : command.of_frameworks) {
    if (flag->count() == 0) continue;
    const bool is_switch = flag->get_items_expected_max() == 0;
    words.push_back(flag->get_name() + (is_switch ? "" : "=" + flag->results().front()));
  }
  return words;
}

int import_from_framework(const ImportCommand& command, Shell& shell) {
  if (io::exists(command.out)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder exists; choose another one, or remove it first", command.out);
  }
  const std::string log = io::temporary_name(command.out + ".import.log");
  try {
    run_python_script(
        "importing.py", given_words(command), log,
        fmt::format("the {} network '{}' could not be imported", command.from, command.network), "",
        shell.context());
  } catch (...) {
    std::remove(log.c_str());
    throw;
  }
  std::remove(log.c_str());
  return print_imported(encoder::read_encoder_info(command.out), command.out, shell);
}

int import_from_onnx(const ImportCommand& command, Shell& shell) {
  for (const CLI::Option* option : command.of_frameworks) {
    if (option->count() > 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{} belongs to --from keras, timm or torch", option->get_name()));
    }
  }
  encoder::EncoderInfo wanted = command.options.wanted();
  if (wanted.name.empty()) {
    std::filesystem::path folder = command.out;
    if (!folder.has_filename()) folder = folder.parent_path();
    wanted.name = folder.filename().string();
  }
  const auto [info, takes_pixels] = encoder::import_encoder(command.network, wanted, command.out);
  if (!command.was_given("mean") && !command.was_given("std") && !takes_pixels) {
    shell.warn(
        "no --mean and no --std: the network gets 0-255 values as they are, but most were trained "
        "on scaled ones; ImageNet's usual: --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375");
  }
  return print_imported(info, command.out, shell);
}

void add_framework_options(ImportCommand& command, CLI::App& app) {
  app.add_option("--from", command.from,
                 "what NETWORK is: onnx, a file; keras, the name of an application (InceptionV3); "
                 "timm, a model's name; torch, FILE.py:NAME, a module or what makes one. The last "
                 "three need a Python with that framework")
      ->check(CLI::IsMember({"onnx", "keras", "timm", "torch"}))
      ->capture_default_str();
  // They are read by importing.py.
  command.of_frameworks = {
      app.add_option("--weights",
                     "keras: a weights file, imagenet (Keras' cache or download) or "
                     "random; torch: a file with the module's state")
          ->expected(1)
          ->type_name("FILE"),
      app.add_option("--checkpoint", "timm: a file of weights")->expected(1)->type_name("FILE"),
      app.add_flag("--pretrained", command.pretrained,
                   "timm: its own weights (its cache or download)")};
}

}  // namespace

Action add_encoder_import(CLI::App& app) {
  auto command = std::make_shared<ImportCommand>();
  command->app = &app;
  app.add_option("network", command->network,
                 "the network, ONNX (weights in files beside it are taken into one), or as --from "
                 "says")
      ->required()
      ->type_name("NETWORK");
  add_framework_options(*command, app);
  app.add_option("--out", command->out, "folder to make")->required()->type_name("DIR");
  add_flags(app, command->options);
  app.footer(
      "Example:\n  lamella encoder import network.onnx --out encoders/mine --mean "
      "123.675,116.28,103.53 \\\n      --std 58.395,57.12,57.375\n"
      "  lamella encoder import InceptionV3 --from keras --weights imagenet --out "
      "encoders/inception");
  return [command](Shell& shell) {
    return command->from == "onnx" ? import_from_onnx(*command, shell)
                                   : import_from_framework(*command, shell);
  };
}

}  // namespace lamella::cli
