// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/extract.h"

#include <fmt/format.h>

#include "lamella/base/stopwatch.h"
#include "lamella/patch/left_out.h"
#include "lamella/patch/patch_extractor.h"
#include "lamella/verbs/check_plan.h"

namespace lamella::verbs {

void ExtractFilesOptions::validate() const { files.validate(); }

Extracted extract_files(std::shared_ptr<const slide::Slide> slide, const patch::PatchPlan& plan,
                        const ExtractFilesOptions& options, const Context& context) {
  options.validate();
  require_same_slide(plan, slide->info());
  patch::ExtractOptions extract;
  extract.on_damage = options.damage.on_damage;
  const Stopwatch watch;
  Extracted result;
  patch::PatchExtractor extractor(std::move(slide), plan, extract);
  const auto writer = storage::open_patch_files(plan, options.files);
  patch::PatchBatch batch;
  while (extractor.next(batch, context)) {
    writer->write(batch, context);
    result.patches += batch.count;
    context.report("extract " + plan.slide_id, result.patches, extractor.patch_count(), "patches");
  }
  writer->finish();
  result.seconds = watch.seconds();
  result.failures = extractor.failures();
  result.tiles_decoded = extractor.tiles_decoded();
  if (!result.failures.empty()) {
    context.warn(
        fmt::format("slide '{}': {}", plan.slide_id, patch::left_out_text(plan, result.failures)));
  }
  return result;
}

}  // namespace lamella::verbs
