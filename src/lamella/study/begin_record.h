// SPDX-License-Identifier: Apache-2.0
// What every record of a study begins with, whichever verb it is of.
#pragma once

#include "lamella/record/run_record.h"
#include "lamella/study/study_file.h"

namespace lamella::study {

// Command, caller with the commit of the user's own repository, output, server, options.
void begin_record(record::RunDocument& document, const Study& study, int threads, bool full_hash);
// Writes it, and the study's text beside it as it was, so that the run can be made again when the
// file has moved on.
void write_begun(record::RunRecord& record, const Study& study);

}  // namespace lamella::study
