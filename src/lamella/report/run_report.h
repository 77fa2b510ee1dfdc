// SPDX-License-Identifier: Apache-2.0
// Reports of what is on disk, and of an evaluation.
#pragma once

#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/record/run_document.h"

namespace lamella::report {

inline constexpr const char* kReportName = "report.html";

// Makes the report of a recorded run anew, from its record, its heat-maps and its slides; returns
// its path. out: "" is <folder>/report.html. Errors: those of record::read_run and of writing;
// kInterrupted.
std::string report_run(const std::string& folder, const std::string& out, const Context& context);

struct EvaluatedFiles {
  std::vector<std::string> scores, truth;
  std::string groups;                    // "": none
  std::vector<std::string> slides = {};  // for pictures; each named after its slide
};
// An evaluation as the run document that its report is made of: the set "all". Error kMismatch: a
// slide that was not scored.
record::RunDocument evaluation_document(const evaluation::ClassMetrics& metrics,
                                        const evaluation::Details& details,
                                        const EvaluatedFiles& files);

}  // namespace lamella::report
