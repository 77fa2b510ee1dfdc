// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "lamella/base/text.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/encoder_commands_internal.h"
#include "lamella/cli/program.h"
#include "lamella/cli/tables.h"
#include "lamella/encoder/encoder.h"

namespace lamella::cli {

namespace {

int run_list(Shell& shell) {
  nlohmann::json object = {{"encoders", nlohmann::json::array()},
                           {"search_path", encoder::encoder_search_path()}};
  Table table({"name", "input px", "dimension", "licence", "sha256", "folder"});
  for (const encoder::EncoderInfo& info : encoder::list_encoders()) {
    object["encoders"].push_back({{"name", info.name},
                                  {"path", info.folder},
                                  {"input_px", info.input_px},
                                  {"dimension", info.dimension},
                                  {"sha256", info.sha256},
                                  {"source", info.source},
                                  {"licence", info.licence}});
    table.add({info.name, std::to_string(info.input_px), std::to_string(info.dimension),
               info.licence, info.sha256.substr(0, 12), info.folder});
  }
  if (object["encoders"].empty()) {
    shell.warn(fmt::format("no encoder was found in {}; 'make setup' writes lite0",
                           join(encoder::encoder_search_path(), ", ")));
  }
  shell.print(object, table.text());
  return kDone;
}

}  // namespace

Action add_encoder(CLI::App& app) {
  app.add_subcommand("list", "name, input size, dimension, hash and folder of each")
      ->fallthrough()
      ->footer("Example:\n  lamella encoder list");
  std::vector<std::pair<CLI::App*, Action>> actions;
  const auto add = [&](const char* name, const char* help, Action (*make)(CLI::App&)) {
    CLI::App* command = app.add_subcommand(name, help)->fallthrough();
    actions.emplace_back(command, make(*command));
  };
  add("import", "make an encoder from an ONNX file", add_encoder_import);
  add("check", "run an encoder on made-up patches and say whether it is fit", add_encoder_check);
  add("quantize", "make an int8 encoder, calibrated and judged on your own patches",
      add_encoder_quantize);
  app.require_subcommand(1);
  return [actions](Shell& shell) {
    for (const auto& [command, action] : actions) {
      if (command->parsed()) return action(shell);
    }
    return run_list(shell);
  };
}

}  // namespace lamella::cli
