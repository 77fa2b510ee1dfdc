// SPDX-License-Identifier: Apache-2.0
#include "lamella/verbs/scale.h"

#include <fmt/format.h>

#include <algorithm>

#include "lamella/base/error.h"
#include "lamella/base/text.h"

namespace lamella::verbs {

std::optional<double> training_mpp(const std::vector<SlideScale>& slides) {
  std::vector<double> known;
  std::vector<std::string> list;
  for (const SlideScale& slide : slides) {
    if (slide.effective_mpp) known.push_back(*slide.effective_mpp);
    list.push_back(
        fmt::format("{} ({})", slide.slide_id,
                    slide.effective_mpp ? fmt::format("{:.4g}", *slide.effective_mpp) : "none"));
  }
  if (known.empty()) return {};
  if (known.size() != slides.size()) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("some training slides have an mpp and some have none: {}; give the "
                            "missing ones in the table's mpp column",
                            join(list, ", ")));
  }
  std::sort(known.begin(), known.end());
  if (known.back() > known.front() * (1 + kMppTolerance)) {
    throw Error(ErrorCode::kMismatch,
                fmt::format("the training slides' effective mpp differ by more than 5 %: {}; set "
                            "patches.mpp so that all are read at one scale",
                            join(list, ", ")));
  }
  return known[(known.size() - 1) / 2];
}

patch::PatchSpec spec_for_slide(const patch::PatchSpec& trained,
                                std::optional<double> effective_mpp, const slide::SlideInfo& info,
                                const Context& context) {
  if (!effective_mpp) {
    context.warn(
        fmt::format("{}: the model's training slides had no mpp, so this slide is read at "
                    "level {} as they were, whatever its scale is",
                    info.path, trained.level.value_or(0)));
    return trained;
  }
  if (!info.mpp) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("the slide has no mpp{} and the model was trained at {:.4g} µm/px; give "
                    "`slide_mpp`",
                    slide::mpp_hint(info), *effective_mpp),
        info.path);
  }
  patch::PatchSpec spec;
  spec.size_px = trained.size_px;
  spec.mpp = effective_mpp;
  return spec;
}

}  // namespace lamella::verbs
