// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/commands.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/cli/python_script.h"
#include "lamella/study/study_file.h"
#include "lamella/verbs/finetune_options.h"

namespace lamella::cli {

namespace {

struct FinetuneCommand {
  std::string study;
  std::vector<std::string> overrides;
  verbs::FinetuneOptions options;
  CLI::App* app = nullptr;
};

int run_finetune(const FinetuneCommand& command, Shell& shell) {
  std::vector<std::string> overrides = command.overrides;
  for (std::string& given :
       verbs::finetune_overrides(command.options, [&](const std::string& name) {
         return command.app->get_option(flag_of(name))->count() > 0;
       })) {
    overrides.push_back(std::move(given));
  }
  study::read_study(command.study, overrides);  // what is wrong with it is said at once
  std::vector<std::string> words = {command.study};
  for (const std::string& text : overrides) words.push_back("--set=" + text);
  if (shell.options().threads > 0)
    words.push_back("--threads=" + std::to_string(shell.options().threads));
  if (shell.options().json) words.emplace_back("--json");
  if (shell.options().quiet) words.emplace_back("--quiet");
  // It tells itself what went wrong.
  return run_python_module("lamella.finetuning", words, shell.context()) == 0 ? kDone : kFailed;
}

}  // namespace

Action add_finetune(CLI::App& app) {
  auto command = std::make_shared<FinetuneCommand>();
  command->app = &app;
  app.add_option("study", command->study, "study file")->required()->type_name("STUDY.toml");
  app.add_option("--set", command->overrides, "override one key of the study (repeatable)")
      ->type_name("KEY=VALUE");
  add_flags(app, command->options);
  app.footer(
      "Needs a Python with lamella and PyTorch: the one that lamella is installed in, else "
      "python3,\n"
      "or the one that LAMELLA_PYTHON names. What was stopped goes on from its last checkpoint.\n"
      "What comes out is used by `lamella run study.toml --set encoder.name=encoders/mine`.\n\n"
      "Examples:\n"
      "  lamella finetune study.toml --epochs 10 --out encoders/mine\n"
      "  lamella finetune study.toml --method lora --out encoders/mine-lora\n"
      "  torchrun --nproc-per-node 4 -m lamella.finetuning study.toml   # four processes");
  return [command](Shell& shell) { return run_finetune(*command, shell); };
}

}  // namespace lamella::cli
