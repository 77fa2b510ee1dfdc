// SPDX-License-Identifier: Apache-2.0
#include "lamella/cli/option_flags.h"

#include <algorithm>
#include <vector>

#include "lamella/base/spelling.h"
#include "lamella/base/text.h"
#include "lamella/study/option_keys.h"

namespace lamella::cli {

namespace {

const char* type_name(const Option& option) {
  switch (option.kind) {
    case OptionKind::kInteger:
      return "N";
    case OptionKind::kNumber:
      return option.facts.unset.empty() ? "X" : "X|WORD";
    case OptionKind::kNumbers:
      return "X,X,...";
    case OptionKind::kTexts:
      return "NAME ...";
    case OptionKind::kFlag:
    case OptionKind::kText:
      break;
  }
  return "NAME";
}

CLI::Option* add_switch(CLI::App& app, const Option& option, void* object) {
  const bool* standard = std::get_if<bool>(&option.standard);
  std::string names = flag_of(option.name);
  if (standard != nullptr && *standard) names += ",!--no-" + names.substr(2);
  return app.add_flag_function(
      names, [&option, object](int64_t count) { set_option(option, object, count > 0); },
      help_text(option));
}

// From the command that was parsed up to the program.
std::vector<const CLI::App*> parsed_chain(const CLI::App& root) {
  std::vector<const CLI::App*> chain{&root};
  for (auto parts = root.get_subcommands(); !parts.empty();) {
    chain.push_back(parts.front());
    parts = parts.front()->get_subcommands();
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

}  // namespace

std::string flag_of(const std::string& name) {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

CLI::Option* add_flag(CLI::App& app, const Option& option, void* object) {
  if (option.kind == OptionKind::kFlag) return add_switch(app, option, object);
  CLI::Option* flag = app.add_option(
      flag_of(option.name),
      [&option, object](const CLI::results_t& words) {
        set_option(option, object, parse_option(option, words));
        return true;
      },
      help_text(option));
  flag->type_name(type_name(option));
  if (option.kind == OptionKind::kTexts) {
    flag->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
  }
  if (option.facts.required) flag->required();
  return flag;
}

void add_flags(CLI::App& app, const OptionsOf& options) {
  for (const Option& option : *options.list) add_flag(app, option, options.object);
}

std::string spell_flags(const CLI::App& root, const std::string& message) {
  const auto chain = parsed_chain(root);
  return spell_options(message, [&](const std::string& name) {
    const std::string flag = flag_of(name);
    for (const CLI::App* app : chain) {
      if (app->get_option_no_throw(flag) != nullptr) return flag;
    }
    return study::option_key(name);
  });
}

std::string nearest_word(const CLI::App& root) {
  const std::vector<std::string> words = root.remaining(true);
  if (words.empty()) return "";
  const auto chain = parsed_chain(root);
  std::vector<std::string> known;
  if (!words.front().starts_with("-")) {
    for (const CLI::App* part : chain.front()->get_subcommands(nullptr)) {
      known.push_back(part->get_name());
    }
    return did_you_mean(words.front(), known);
  }
  for (const CLI::App* app : chain) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  return did_you_mean(words.front().substr(0, words.front().find('=')), known);
}

}  // namespace lamella::cli
