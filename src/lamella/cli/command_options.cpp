// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lamella/base/option.h"
#include "lamella/cli/commands.h"
#include "lamella/cli/option_flags.h"
#include "lamella/cli/program.h"
#include "lamella/phantom/phantom.h"
#include "lamella/slide/open_options.h"
#include "lamella/study/option_keys.h"
#include "lamella/study/study_file.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::cli {

namespace {

std::string default_text(const Option& option) {
  const OptionFacts& facts = option.facts;
  if (facts.required) return "required";
  if (!facts.otherwise.empty()) return facts.otherwise;
  const std::string text = value_text(option.standard);
  return text.empty() ? facts.unset : text;
}

std::string rows_of(const OptionList& list, bool flags) {
  std::string text =
      fmt::format("| {} | unit | bounds | default | meaning |\n|---|---|---|---|---|\n",
                  flags ? "option" : "key");
  for (const Option& option : list) {
    const std::string name = flags ? fmt::format("`{}`, `{}=`", flag_of(option.name), option.name)
                                   : fmt::format("`{}`", option.name);
    text += fmt::format("| {} | {} | {} | {} | {} |\n", name, option.facts.unit,
                        bounds_text(option), default_text(option), option.facts.help);
  }
  return text + "\n";
}

std::string page() {
  std::string text =
      "# Options\n\nMade by `lamella options`, from the tables that study files, the command line "
      "and Python are made from.\nEvery key of a study can also be given to `lamella run` as "
      "`--set section.key=value`, and to\n`lamella.run` as `overrides={\"section.key\": value}`."
      "\n\n## In a study file\n\n";
  for (const study::StudySection& section : study::study_sections()) {
    text += fmt::format("### [{}]\n\n{}", section.name, rows_of(*section.list, false));
  }
  text += "## Of the commands and of the functions of the same names in Python\n\n";
  for (const verbs::VerbOptions& verb : verbs::verb_options()) {
    text += fmt::format("### {}\n\n{}", verb.verb, rows_of(*verb.list, true));
  }
  text += "### slides, wherever one is opened\n\n" + rows_of(slide::open_table().list(), true);
  text += "### phantom\n\n" + rows_of(phantom::PhantomOptions::table().list(), true);
  text.pop_back();
  return text;
}

}  // namespace

Action add_options(CLI::App&) {
  return [](Shell& shell) {
    shell.print(study::all_options(), page());
    return kDone;
  };
}

}  // namespace lamella::cli
