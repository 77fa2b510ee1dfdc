// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "lamella/base/text.h"
#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/program.h"
#include "lamella/encoder/encoder.h"

namespace lamella::cli {

namespace {

struct ImportOptions {
  std::string onnx;
  std::string out;
  encoder::EncoderInfo info;
  std::vector<std::string> outputs;
  CLI::Option* mean = nullptr;
  CLI::Option* std = nullptr;
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

int run_import(const ImportOptions& options, Shell& shell) {
  encoder::EncoderInfo wanted = options.info;
  for (const std::string& output : options.outputs) wanted.outputs.push_back(parse_output(output));
  if (wanted.name.empty()) {
    std::filesystem::path folder = options.out;
    if (!folder.has_filename()) folder = folder.parent_path();
    wanted.name = folder.filename().string();
  }
  const auto [info, takes_pixels] = encoder::import_encoder(options.onnx, wanted, options.out);
  if (options.mean->count() + options.std->count() == 0 && !takes_pixels) {
    shell.warn(
        "no --mean and no --std: the network gets 0-255 values as they are, but most were trained "
        "on scaled ones; ImageNet's usual: --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375");
  }
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
  shell.print(object, fmt::format("{}: input {} px, {} numbers a patch from {} -> {}\n"
                                  "check it with: lamella encoder check {}\n",
                                  info.name, info.input_px, info.dimension, join(outputs, ", "),
                                  options.out, options.out));
  return kDone;
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
  app.add_option("onnx", options->onnx,
                 "the network, ONNX; weights in files beside it are taken into one")
      ->required()
      ->type_name("FILE.onnx");
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
      "123.675,116.28,103.53 \\\n      --std 58.395,57.12,57.375");
  return [options](Shell& shell) { return run_import(*options, shell); };
}

}  // namespace lamella::cli
