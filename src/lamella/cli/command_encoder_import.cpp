// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "lamella/base/text.h"
#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/program.h"
#include "lamella/cli/python_script.h"
#include "lamella/encoder/encoder.h"
#include "lamella/io/files.h"
#include "lamella/io/temporary.h"

namespace lamella::cli {

namespace {

struct ImportOptions {
  std::string from = "onnx";
  std::string network;
  std::string out;
  encoder::EncoderInfo info;
  std::vector<std::string> outputs;
  CLI::Option* mean = nullptr;
  CLI::Option* std = nullptr;
  bool pretrained = false;
  std::vector<CLI::Option*> of_frameworks;  // that an ONNX file does not have
  CLI::App* app = nullptr;
};

// NAME or NAME:POOLING; a name may itself hold colons.
encoder::OutputInfo parse_output(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    if (const auto pooling = encoder::find_pooling(text.substr(colon + 1))) {
      return {text.substr(0, colon), *pooling};
    }
  }
  return {text, encoder::Pooling::kNone};
}

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

// The options that were given, as importing.py takes them: under the same names.
std::vector<std::string> given_words(const ImportOptions& options) {
  std::vector<std::string> words = {options.from, options.network};
  for (const CLI::Option* option : options.app->get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || !name.starts_with("--") || name == "--from") continue;
    if (option->get_items_expected_max() == 0) {
      words.push_back(name);
    } else if (option->get_delimiter() != '\0') {
      words.push_back(name + "=" + join(option->results(), ","));
    } else {
      for (const std::string& value : option->results()) words.push_back(name + "=" + value);
    }
  }
  return words;
}

int import_from_framework(const ImportOptions& options, Shell& shell) {
  if (io::exists(options.out)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the folder exists; choose another one, or remove it first", options.out);
  }
  const std::string log = io::temporary_name(options.out + ".import.log");
  try {
    run_python_script(
        "importing.py", given_words(options), log,
        fmt::format("the {} network '{}' could not be imported", options.from, options.network), "",
        shell.context());
  } catch (...) {
    std::remove(log.c_str());
    throw;
  }
  std::remove(log.c_str());
  return print_imported(encoder::read_encoder_info(options.out), options.out, shell);
}

int import_from_onnx(const ImportOptions& options, Shell& shell) {
  for (const CLI::Option* option : options.of_frameworks) {
    if (option->count() > 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{} belongs to --from keras, timm or torch", option->get_name()));
    }
  }
  encoder::EncoderInfo wanted = options.info;
  for (const std::string& output : options.outputs) wanted.outputs.push_back(parse_output(output));
  if (wanted.name.empty()) {
    std::filesystem::path folder = options.out;
    if (!folder.has_filename()) folder = folder.parent_path();
    wanted.name = folder.filename().string();
  }
  const auto [info, takes_pixels] = encoder::import_encoder(options.network, wanted, options.out);
  if (options.mean->count() + options.std->count() == 0 && !takes_pixels) {
    shell.warn(
        "no --mean and no --std: the network gets 0-255 values as they are, but most were trained "
        "on scaled ones; ImageNet's usual: --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375");
  }
  return print_imported(info, options.out, shell);
}

void add_framework_options(ImportOptions& options, CLI::App& app) {
  app.add_option("--from", options.from,
                 "what NETWORK is: onnx, a file; keras, the name of an application (InceptionV3); "
                 "timm, a model's name; torch, FILE.py:NAME, a module or what makes one. The last "
                 "three need a Python with that framework")
      ->check(CLI::IsMember({"onnx", "keras", "timm", "torch"}))
      ->capture_default_str();
  // They are read by importing.py.
  options.of_frameworks = {
      app.add_option("--weights",
                     "keras: a weights file, imagenet (Keras' cache or download) or "
                     "random; torch: a file with the module's state")
          ->expected(1)
          ->type_name("FILE"),
      app.add_option("--checkpoint", "timm: a file of weights")->expected(1)->type_name("FILE"),
      app.add_flag("--pretrained", options.pretrained,
                   "timm: its own weights (its cache or download)")};
}

}  // namespace

Action add_encoder_import(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  encoder::EncoderInfo& info = options->info;
  info.source = "imported";
  info.licence = "not stated";
  info.colour_order = "rgb";
  info.mean = {0, 0, 0};
  info.std = {1, 1, 1};
  options->app = &app;
  app.add_option("network", options->network,
                 "the network, ONNX (weights in files beside it are taken into one), or as --from "
                 "says")
      ->required()
      ->type_name("NETWORK");
  add_framework_options(*options, app);
  app.add_option("--out", options->out, "folder to make")->required()->type_name("DIR");
  app.add_option("--name", info.name, "name of the encoder (default: that of the folder)");
  options->mean =
      app.add_option("--mean", info.mean, "of 0-255 values: the network gets (x - mean) / std")
          ->expected(3)
          ->delimiter(',')
          ->capture_default_str();
  options->std =
      app.add_option("--std", info.std, "as --mean; ImageNet's usual: 58.395,57.12,57.375")
          ->expected(3)
          ->delimiter(',')
          ->capture_default_str();
  app.add_option("--colour-order", info.colour_order, "rgb or bgr")
      ->check(CLI::IsMember({"rgb", "bgr"}))
      ->capture_default_str();
  app.add_option("--input-px", info.input_px, "input size, where the network leaves it open");
  app.add_option("--output", options->outputs,
                 "output to take, and how it becomes one vector: none, mean_of_map, class_token, "
                 "mean_of_tokens, class_token_and_mean (repeatable: concatenated)")
      ->type_name("NAME[:POOLING]");
  app.add_option("--prefix-tokens", info.prefix_tokens,
                 "tokens before those of the picture's parts (class and register tokens)")
      ->capture_default_str();
  app.add_option("--views", info.views,
                 "fields of view in sides of the patch, features concatenated: 1,2 adds twice as "
                 "far about the same centre")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--recommended-mpp", info.recommended_mpp, "um/px it was trained at");
  app.add_option("--source", info.source, "where the weights come from")->capture_default_str();
  app.add_option("--licence", info.licence, "licence of the weights")->capture_default_str();
  app.footer(
      "Example:\n  lamella encoder import network.onnx --out encoders/mine --mean "
      "123.675,116.28,103.53 \\\n      --std 58.395,57.12,57.375\n"
      "  lamella encoder import InceptionV3 --from keras --weights imagenet --out "
      "encoders/inception");
  return [options](Shell& shell) {
    return options->from == "onnx" ? import_from_onnx(*options, shell)
                                   : import_from_framework(*options, shell);
  };
}

}  // namespace lamella::cli
