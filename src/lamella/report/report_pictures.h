// SPDX-License-Identifier: Apache-2.0
// What a report shows beside the record: heat-maps, and the patches that the model is most sure of
// and wrong about, read from the slides anew.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lamella/base/context.h"
#include "lamella/evaluation/froc.h"
#include "lamella/record/run_document.h"
#include "lamella/report/projection.h"

namespace lamella::report {

inline constexpr size_t kWrongPatchesShown = 24;
inline constexpr int kHeatmapPx = 720;   // longer side of a heat-map in the report, at most
inline constexpr int kPatchPx = 160;     // side of a patch with its surroundings
inline constexpr double kPatchView = 2;  // what is shown, in sides of the patch

struct ReportPicture {
  std::string jpeg;  // bytes
  int width = 0, height = 0;
};

struct ReportPictures {
  std::map<std::string, ReportPicture> heatmaps;    // by slide
  std::vector<std::optional<ReportPicture>> wrong;  // as wrong_shown
  std::optional<Projection> projection;
  std::optional<evaluation::Froc> froc;       // of an evaluation of lesions
  std::vector<evaluation::SlideHits> hits{};  // of its slides
  std::vector<std::string> missing;           // why there is no picture, for people
};

// Errors of the first role that has some, data that training never saw before the rest; at most
// kWrongPatchesShown.
std::vector<evaluation::WrongPatch> wrong_shown(const record::RunDocument& run);

// output: where the run's results are now. A picture that cannot be made (its slide is away or
// another one now, a heat-map was overwritten by a later run) is told in `missing`, never an error;
// kInterrupted is.
ReportPictures read_pictures(const record::RunDocument& run, const std::string& output,
                             const Context& context);

}  // namespace lamella::report
