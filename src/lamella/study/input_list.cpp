// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/input_list_internal.h"

namespace lamella::study {

record::Inputs centre_inputs(const Study& study) {
  record::Inputs lists;
  for (const patch::CentreFile& file : study.plans.labels.centers) {
    lists.push_back({.kind = "centres",
                     .path = file.path,
                     .label = file.label,
                     .class_name = study.classes().name(file.label)});
  }
  return lists;
}

record::Inputs list_inputs(const InputSources& sources,
                           const std::function<record::Input(size_t i)>& slide) {
  record::Inputs inputs = {record::input_or_error("slides table", sources.table, false)};
  for (const record::Input& list : sources.centres) {
    inputs.push_back(record::input_or_error("centres", list.path, false));
    inputs.back().label = list.label;
    inputs.back().class_name = list.class_name;
  }
  for (size_t i = 0; i < sources.slides.size(); ++i) {
    const cohort::SlideEntry& entry = sources.slides[i];
    record::Input input = slide(i);
    input.kind = "slide";
    input.slide_id = entry.slide_id;
    input.patient_id = entry.patient_id;
    input.role = to_string(entry.role);
    inputs.push_back(std::move(input));
    const auto add = [&](const char* kind, const std::string& path) {
      inputs.push_back(record::input_or_error(kind, path, false));
      inputs.back().slide_id = entry.slide_id;
    };
    if (entry.mask != "auto" && entry.mask != "none") add("tissue mask", entry.mask);
    if (!entry.annotations.empty()) add("annotations", entry.annotations);
  }
  return inputs;
}

}  // namespace lamella::study
