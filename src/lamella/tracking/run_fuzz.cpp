// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as run.json; what is read is compared with another record. Only
// lamella::Error may come out.
#include <cstdlib>

#include "lamella/base/error.h"
#include "lamella/testing/temporary_folder.h"
#include "lamella/tracking/compare_runs.h"
#include "lamella/tracking/run_reader.h"

namespace lamella::tracking {
namespace {

const nlohmann::json& other() {
  static const nlohmann::json document = {
      {"inputs", {{{"kind", "slide"}, {"slide_id", "T01"}, {"fingerprint", "f"}}}},
      {"study", {{"train", {{"l2", 0.1}}}}},
      {"metrics", {{"test", {{"auc", 0.9}}}}}};
  return document;
}

void read_all(const test::TemporaryFolder& folder, std::string_view text) {
  folder.put("run.json", text);
  try {
    const nlohmann::json document = read_run(folder.path());
    if (!compare_runs(document, document).differences.empty()) std::abort();
    for (const Difference& difference : compare_runs(document, other()).differences) {
      if (to_text(difference).empty()) std::abort();
      to_json(difference);
    }
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace lamella::tracking

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const lamella::test::TemporaryFolder folder(
      lamella::test::TemporaryFolder::Place::kMemory);
  lamella::tracking::read_all(folder, {reinterpret_cast<const char*>(data), size});
  return 0;
}
