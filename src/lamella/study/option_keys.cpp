// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/option_keys.h"

#include "lamella/base/spelling.h"
#include "lamella/study/study_file.h"

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

}  // namespace lamella::study
