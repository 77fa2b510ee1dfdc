// SPDX-License-Identifier: Apache-2.0
// The parts of a report. Each is made of what the record carries, and empty where that is nothing.
#pragma once

#include <string>
#include <vector>

#include "lamella/evaluation/metric_rows.h"
#include "lamella/record/run_document.h"
#include "lamella/report/html_internal.h"
#include "lamella/report/report_pictures.h"

namespace lamella::report {

// The roles that have figures, those of data that training never saw first.
std::vector<std::string> roles_of(const record::RunDocument& run);
// "labelled patches of the slides to test on"
std::string role_text(const std::string& role);
// "0.907–0.954"
std::string interval_text(const evaluation::Interval& interval);
// 95 %, of a figure by its name.
std::optional<evaluation::Interval> interval_of(const evaluation::Metrics& metrics,
                                                const std::string& name);
// The class's figures of one patient or slide of one role, nullptr if there are none.
const evaluation::GroupFigures* figures_of_group(const record::RunDocument& run,
                                                 const std::string& role, const std::string& kind,
                                                 const std::string& id);

Html heading(const record::RunDocument& run,
             const ReportPictures& pictures);  // name, status, what it comes to
Html alerts(const record::RunDocument& run);   // errors and warnings
Html what_ran(const record::RunDocument& run);
Html data_used(const record::RunDocument& run);
Html figures(const record::RunDocument& run);
Html curves(const record::RunDocument& run);
Html penalty_path(const record::RunDocument& run);
Html patients(const record::RunDocument& run);
Html slides(const record::RunDocument& run, const ReportPictures& pictures);
Html controls(const record::RunDocument& run);
Html folds(const record::RunDocument& run);
Html search(const record::RunDocument& run);
Html unlike(const record::RunDocument& run);
Html froc(const ReportPictures& pictures);
Html froc_sentence(const evaluation::Froc& froc);
Html projection(const ReportPictures& pictures);
Html wrong_patches(const record::RunDocument& run, const ReportPictures& pictures);
Html time_used(const record::RunDocument& run);
Html checklist(const record::RunDocument& run);
Html whole_record(const record::RunDocument& run);

}  // namespace lamella::report
