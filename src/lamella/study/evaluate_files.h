// SPDX-License-Identifier: Apache-2.0
// Scores files against plans with labels.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/metrics.h"

namespace lamella::study {

// Rows are matched by slide (the scores file's name against the plan's slide id, without regard to
// case) and position. "all": pooled over the slides; with a groups CSV (slide_id,patient_id) also
// one entry per patient. Plan rows without label are left out.
// Error kMismatch: a labelled row without score, a slide in one list only (named).
std::map<std::string, evaluation::Metrics> evaluate_files(const std::vector<std::string>& scores,
                                                          const std::vector<std::string>& truths,
                                                          const std::string& groups_csv);

}  // namespace lamella::study
