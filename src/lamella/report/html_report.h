// SPDX-License-Identifier: Apache-2.0
// The report: one HTML file for people, made from a run document. It needs nothing beside it and
// asks nothing of the network; its plots are SVG, its one script only sorts tables and opens
// pictures.
#pragma once

#include <string>

#include "lamella/record/run_document.h"
#include "lamella/report/report_pictures.h"

namespace lamella::report {

// Sections whose data the record lacks are left out. The same record and pictures give the same
// bytes. Text of the record is escaped, and a policy in the page lets no script run but its own.
std::string html_report(const record::RunDocument& run, const ReportPictures& pictures);

// Reads the pictures and writes the report. Errors: those of writing, kInterrupted.
void write_report(const record::RunDocument& run, const std::string& output,
                  const std::string& path, const Context& context);

}  // namespace lamella::report
