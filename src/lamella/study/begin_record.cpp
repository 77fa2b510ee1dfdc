// SPDX-License-Identifier: Apache-2.0
#include "lamella/study/begin_record.h"

#include "lamella/base/credentials.h"
#include "lamella/io/files.h"
#include "lamella/record/software.h"
#include "lamella/record/source_code.h"

namespace lamella::study {

void begin_record(record::RunDocument& document, const Study& study, int threads, bool full_hash) {
  document.command = {study.source.path, study.source.overrides, threads, full_hash};
  document.caller = record::describe_caller();
  document.caller->source =
      record::find_source_code({io::parent_folder(study.source.path), document.caller->folder});
  document.output = study.output;
  document.server = without_credentials(study.tracking.mlflow.value_or(""));
  document.options = to_json(study);
}

void write_begun(record::RunRecord& record, const Study& study) {
  record.write();
  io::write_file_atomic(record.folder() + "/study.toml", without_credentials(study.source.text));
}

}  // namespace lamella::study
