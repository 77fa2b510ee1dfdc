// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as run.json; what is read is compared with another record. Only
// lamella::Error may come out.
#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/record/compare_runs.h"
#include "lamella/record/run_json.h"
#include "lamella/record/run_reader.h"
#include "lamella/testing/temporary_folder.h"

namespace lamella::record {
namespace {

const RunDocument& other() {
  static const RunDocument document = [] {
    RunDocument made;
    made.inputs.push_back({.kind = "slide", .path = "p", .fingerprint = "f", .slide_id = "T01"});
    made.options = {{"train", {{"l2", 0.1}}}};
    made.metrics["test"].per_class.emplace_back().auc = 0.9;
    return made;
  }();
  return document;
}

void read_all(const test::TemporaryFolder& folder, std::string_view text) {
  folder.put("run.json", text);
  try {
    const RunDocument document = read_run(folder.path());
    if (!compare_runs(document, document).differences.empty()) std::abort();
    for (const Difference& difference : compare_runs(document, other()).differences) {
      if (to_text(difference).empty()) std::abort();
      to_json(difference);
    }
    // What was read is written and read again as the same.
    const nlohmann::json json = document;
    if (nlohmann::json(json.get<RunDocument>()) != json) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::record

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  lamella::record::read_all(folder, {reinterpret_cast<const char*>(data), size});
  return 0;
}
