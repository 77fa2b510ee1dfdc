// SPDX-License-Identifier: Apache-2.0
// The files of a cohort as a run's record and a manifest list them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lamella/cohort/slides_table.h"
#include "lamella/record/manifest.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

struct InputSources {
  std::string table;
  record::Inputs centres;  // path and class of each list
  std::vector<cohort::SlideEntry> slides;
};
// The lists of a study, not read yet.
record::Inputs centre_inputs(const Study& study);

// The table and the lists, then slides with their masks and annotations in the table's order. A
// file that cannot be read has an "error". `slide`: what is known of the file of slides[i]; who it
// is of is filled in.
record::Inputs list_inputs(const InputSources& sources,
                           const std::function<record::Input(size_t i)>& slide);

}  // namespace lamella::study
