// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as a study file and as a table of slides. Only lamella::Error may come out;
// what is accepted can be recorded.
#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/cohort/slides_table.h"
#include "lamella/study/study_file.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::study {
namespace {

void read_all(const test::TemporaryFolder& folder, std::string_view text) {
  const std::string path = folder.put("input", text);
  try {
    const Study study = read_study(path);
    if (to_json(study)["patches"]["size_px"].get<int>() < 1) std::abort();
  } catch (const Error&) {
  }
  try {
    for (const cohort::SlideEntry& entry : cohort::read_slides_table(path)) {
      if (entry.slide_id.empty() || entry.patient_id.empty() || entry.line < 2) std::abort();
    }
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::study

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  lamella::study::read_all(folder, {reinterpret_cast<const char*>(data), size});
  return 0;
}
