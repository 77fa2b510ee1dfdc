// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/option_keys.h"

#include "lamella/base/option_json.h"
#include "lamella/base/spelling.h"
#include "lamella/study/study_file.h"
#include "lamella/verbs/verb_options.h"

namespace lamella::study {

std::string option_key(const std::string& name) {
  if (name == "slide_mpp") return "the slides table's mpp column";
  if (name == "encoder") return "encoder.name";
  for (const StudySection& section : study_sections()) {
    if (find_option(*section.list, name) != nullptr) return section.name + "." + name;
  }
  return name;
}

std::string spell_keys(const std::string& message) { return spell_options(message, option_key); }

nlohmann::json all_options() {
  const auto rows = [](const OptionList& list) {
    nlohmann::json described = nlohmann::json::array();
    for (const Option& option : list) described.push_back(describe(option));
    return described;
  };
  nlohmann::json sections = nlohmann::json::object(), verbs = nlohmann::json::object();
  for (const StudySection& section : study_sections()) sections[section.name] = rows(*section.list);
  for (const verbs::VerbOptions& verb : verbs::verb_options()) verbs[verb.verb] = rows(*verb.list);
  return {{"study", sections}, {"verbs", verbs}};
}

}  // namespace lamella::study
